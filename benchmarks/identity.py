"""What identity costs: fingerprints, unchanged code, explained settings, checks in small and huge sessions."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import create_model

from benchmarks import nodes_habitats
from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main
from benchmarks.sessions import PROVIDERS, large_container
from benchmarks.timing import median_ratio, repeated, rounds
from oneml.habitats import PipelineSettings
from oneml.habitats.habitats.code_here import identity_here
from oneml.habitats.habitats.code_recording import code_identity
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.graph_description import GraphDescription, describe_graph
from oneml.habitats.settings.explanations import setting_explanations
from oneml.habitats.settings.resolve import resolve_settings
from oneml.habitats.settings.sources import ProcessSources

NODES, QUICK_NODES, FEW_NODES = 100_000, 10_000, 2
MODULES, LINES = 10, 200
SETTINGS = 100 - len(PipelineSettings.model_fields) - 5
"""Of the package's own: with the common ones, some of them nested, there are about 100."""
HABITAT = "many-nodes"
FUNCTION = '''

def function_{number}(values: list[float], by: float = {number}.5) -> float:
    """Return a number."""
    total = 0.0
    for value in values:
        if value > by:
            total += value * by
        else:
            total -= value
    return total
'''


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the figures of identity."""
    yield from measure_fingerprint(effort)
    yield from measure_unchanged_code(effort)
    yield from measure_explanations(effort)
    yield from measure_check(effort)


def measure_fingerprint(effort: Effort) -> Iterator[Figure]:
    """Give what it costs to describe and digest a graph of providers."""

    def digests(described: GraphDescription) -> list[str]:
        return [described.digest, *(described.digest_of(name) for name in described.providers)]

    def first() -> float:
        blueprint = large_container().blueprint()
        began = time.perf_counter()
        digests(describe_graph(blueprint))
        return time.perf_counter() - began

    blueprint = large_container().blueprint()
    contenders = {
        "first": first,
        "later": repeated(lambda: digests(describe_graph(blueprint)), seconds=effort.seconds),
    }
    values = rounds(contenders, count=effort.rounds)
    for name, what, limit in (("first", "worked out", 5), ("later", "known already", 0.5)):
        milliseconds = statistics.median(values[name]) * 1e3
        yield at_most(f"fingerprints of {PROVIDERS} providers, {what}", milliseconds, limit, " ms")


def measure_unchanged_code(effort: Effort) -> Iterator[Figure]:
    """Give what it costs to prove a package whose files are what they were."""
    with TemporaryDirectory() as folder:
        package = Path(folder, "two_thousand_lines")
        package.mkdir()
        lines = 0
        for module in range(MODULES):
            imported = f"from two_thousand_lines import part_{module - 1}\n" if module else ""
            count = LINES // FUNCTION.count("\n")
            text = f'"""Part."""\n{imported}' + "".join(FUNCTION.format(number=number) for number in range(count + 1))
            package.joinpath(f"part_{module}.py").write_text(text)
            lines += text.count("\n")
        root = "from two_thousand_lines import part_9\nfrom oneml.habitats import PipelineComponents\n"
        package.joinpath("__init__.py").write_text(f"{root}class Box(PipelineComponents):\n    pass\n")
        sys.path.insert(0, folder)
        from two_thousand_lines import Box  # type: ignore[import-not-found]  # written above

        entry = HabitatEntry("two-thousand-lines", "two_thousand_lines:Box")
        recorded = code_identity(Box, habitat=entry)
        if len(recorded.modules) != MODULES + 1:
            message = f"{len(recorded.modules)} modules"
            raise RuntimeError(message)
        prove = repeated(lambda: identity_here(recorded, habitat=entry), seconds=effort.seconds)
        if identity_here(recorded, habitat=entry).digest != recorded.digest:
            message = "the unchanged code is not the same"
            raise RuntimeError(message)
        milliseconds = statistics.median(rounds({"prove": prove}, count=effort.rounds)["prove"]) * 1e3
        sys.path.remove(folder)
    yield at_most(f"{lines:,} lines in {MODULES + 1} files proven unchanged", milliseconds, 5, " ms")


def measure_explanations(effort: Effort) -> Iterator[Figure]:
    """Give what it costs to explain settings that variables, code and the command line give."""
    fields: dict[str, object] = {f"field_{number}": (int, number) for number in range(SETTINGS)}
    model = create_model("Explained", __base__=PipelineSettings, __module__="explained", **fields)
    environ = {f"EXPLAINED_FIELD_{number}": "1" for number in range(0, SETTINGS, 2)}
    with TemporaryDirectory() as folder:
        sources = ProcessSources(environ=environ, working_directory=Path(folder))
        given = {f"field_{number}": 2 for number in range(0, SETTINGS, 3)}
        settings = resolve_settings(model, habitat="explained", session=given, sources=sources)
        explain = repeated(lambda: setting_explanations(settings), seconds=effort.seconds)
        milliseconds = statistics.median(rounds({"explain": explain}, count=effort.rounds)["explain"]) * 1e3
    yield at_most(f"{len(setting_explanations(settings))} settings explained", milliseconds, 1, " ms")


def measure_check(effort: Effort) -> Iterator[Figure]:
    """Give what a worker's check costs in a huge session, over a small one: inside the process, and as a command."""
    many = QUICK_NODES if effort.quick else NODES
    with TemporaryDirectory() as folder:
        environment = _installed(Path(folder))
        sessions = {count: _session(count, environment) for count in (FEW_NODES, many)}

        def inside(count: int) -> Callable[[], float]:
            command = [sys.executable, "-m", "benchmarks.identity_one", HABITAT, sessions[count], "//n1"]
            return lambda: float(_output(command, environment))

        def command(count: int) -> Callable[[], float]:
            return lambda: _seconds(["prove", sessions[count], "//n1"], environment)

        contenders = {
            "few": inside(FEW_NODES),
            "many": inside(many),
            "few by command": command(FEW_NODES),
            "many by command": command(many),
        }
        values = rounds(contenders, count=3 if effort.quick else 11)
    for suffix, what in (("", "a worker's check, imports apart"), (" by command", "oneml prove, the whole command")):
        few, big = values[f"few{suffix}"], values[f"many{suffix}"]
        ratio = median_ratio(big, few)
        peer = f"{FEW_NODES} nodes {statistics.median(few) * 1e3:.1f} ms"
        name = f"{what}: {many:,} nodes {statistics.median(big) * 1e3:.1f} ms"
        yield at_most(f"{name}, over {FEW_NODES} nodes", ratio, 1.5, "x", peer=peer, ratio=ratio)


def _installed(folder: Path) -> Mapping[str, str]:
    """Install a habitat of many nodes, and return the environment in which it is found."""
    shutil.copy(nodes_habitats.__file__, folder / "many_nodes.py")
    metadata = folder / "many_nodes-1.0.dist-info"
    metadata.mkdir()
    metadata.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: many-nodes\nVersion: 1.0\n")
    metadata.joinpath("RECORD").write_text("many_nodes.py,,\n")
    metadata.joinpath("entry_points.txt").write_text(f"[oneml.habitats]\n{HABITAT} = many_nodes:Chain\n")
    root = Path(__file__).parents[1]
    path = os.pathsep.join([str(folder), str(root)])
    return {**os.environ, "PYTHONPATH": path, "ONEML_STORE_URL": (folder / "store").as_uri()}


def _session(count: int, environment: Mapping[str, str]) -> str:
    create = ["sessions", "create", HABITAT, "--set", f"count={count}", "--json"]
    session_id: str = json.loads(_output([sys.executable, "-P", "-m", "oneml.habitats", *create], environment))[
        "session_id"
    ]
    return session_id


def _seconds(arguments: list[str], environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    _output([sys.executable, "-P", "-m", "oneml.habitats", *arguments], environment)
    return time.perf_counter() - began


def _output(command: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        raise RuntimeError(message)
    return done.stdout


if __name__ == "__main__":
    main(measure)
