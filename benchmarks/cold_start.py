"""Commands in fresh processes, beside the floor that their imports set."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main
from benchmarks.timing import median_ratio, rounds

FLOOR_CODE = "import dependency_injector.containers, click"
HAMILTON_CODE = """
import sys, types
from hamilton import driver
module = types.ModuleType("pipeline")
exec("def a() -> str: return 'Hello, world!'\\ndef b(a: str) -> str: return a.upper()", module.__dict__)
for value in list(module.__dict__.values()):
    if callable(value): value.__module__ = "pipeline"
sys.modules["pipeline"] = module
assert driver.Builder().with_modules(module).build().execute(["a"])["a"]
"""
ALONE = {"HAMILTON_AUTOLOAD_EXTENSIONS": "0", "HAMILTON_TELEMETRY_ENABLED": "false"}
"""Keeps hamilton from importing every library that is installed beside it."""
ONEML = str(Path(sys.executable).with_name("oneml"))


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the figures of cold start."""
    count = 5 if effort.quick else 25
    with TemporaryDirectory() as folder:
        environment = {**os.environ, **ALONE, "ONEML_STORE_URL": Path(folder).as_uri()}

        def timed(*command: str) -> Callable[[], float]:
            return lambda: _seconds(command, environment)

        node = _fresh_sessions(count + 1, environment)
        contenders = {
            "bare": timed(sys.executable, "-c", "pass"),
            "floor": timed(sys.executable, "-c", FLOOR_CODE),
            "hamilton": timed(sys.executable, "-c", HAMILTON_CODE),
            "node": lambda: next(node),
            "help": timed(ONEML, "--help"),
            "list": timed(ONEML, "list"),
        }
        for warm in contenders.values():
            warm()
        values = rounds(contenders, count=count)
    milliseconds = {name: statistics.median(seconds) * 1000 for name, seconds in values.items()}
    over_floor = median_ratio(values["node"], values["floor"])
    yield at_most(
        f"oneml run-pipeline-node, {milliseconds['node']:.0f} ms, over the floor of its imports",
        over_floor,
        1.25,
        "x",
        peer=f"import dependency_injector.containers, click: {milliseconds['floor']:.0f} ms",
        ratio=over_floor,
    )
    yield Figure(
        name="oneml run-pipeline-node, beside a script",
        ours=f"{milliseconds['node']:.0f} ms",
        peer=f"hamilton: {milliseconds['hamilton']:.0f} ms",
        ratio=median_ratio(values["node"], values["hamilton"]),
    )
    for name, command in (("help", "oneml --help"), ("list", "oneml list")):
        yield at_most(
            command,
            milliseconds[name],
            100,
            " ms",
            peer=f"python -c pass: {milliseconds['bare']:.0f} ms",
            ratio=median_ratio(values[name], values["bare"]),
        )


def _fresh_sessions(count: int, environment: dict[str, str]) -> Iterator[float]:
    """Give, once for each of ``count`` sessions made beforehand, the seconds that its first node takes."""
    create = [ONEML, "sessions", "create", "hello-world-demo", "--json"]
    ids = [
        json.loads(subprocess.run(create, env=environment, check=True, capture_output=True).stdout)["session_id"]
        for _ in range(count)
    ]
    for session_id in ids:
        names = {"ONEML_HABITATS_PIPELINE": "hello-world-demo", "ONEML_PIPELINE_SESSION_ID": session_id}
        yield _seconds([ONEML, "run-pipeline-node", "//a"], {**environment, **names})


def _seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        message = f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        raise RuntimeError(message)
    return seconds


if __name__ == "__main__":
    main(measure)
