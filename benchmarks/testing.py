"""What the pytest plugin costs a run that does not use it: processor time, for clocks say little about milliseconds."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main
from benchmarks.timing import rounds

SOURCES = Path(__file__).parents[1] / "src"
ENTRY_POINTS = "[pytest11]\noneml-habitats = oneml.habitats_pytest\n"


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the cost of the plugin in a run of one empty test."""
    count = 5 if effort.quick else 60
    with TemporaryDirectory() as folder:
        tests = Path(folder, "tests")
        tests.mkdir()
        (tests / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        sites = {name: Path(folder, name) for name in ("without", "with")}
        for name, site in sites.items():
            _installed(site, ENTRY_POINTS if name == "with" else "")
        contenders = {name: lambda name=name: _cpu_seconds(sites[name], tests, name) for name in sites}
        for warm in contenders.values():
            warm()
        values = rounds(contenders, count=count)
    milliseconds = [1000 * (ours - bare) for ours, bare in zip(values["with"], values["without"], strict=True)]
    yield at_most(
        "pytest plugin, unused, as a wheel installs it",
        max(0.0, statistics.median(milliseconds)),
        5,
        " ms",
        peer=f"pytest without it: {1000 * statistics.median(values['without']):.0f} ms",
    )


def _installed(site: Path, entry_points: str) -> None:
    """Lay out a folder as pip does with the wheel: modules, compiled ones, and metadata that lists both."""
    site.mkdir()
    (site / "oneml").symlink_to(SOURCES / "oneml")
    info = site / "oneml_habitats-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: oneml-habitats\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    modules = [file.relative_to(SOURCES) for file in (SOURCES / "oneml").rglob("*.py")]
    tag = sys.implementation.cache_tag
    compiled = [file.parent / "__pycache__" / f"{file.stem}.{tag}.pyc" for file in modules]
    (info / "RECORD").write_text("".join(f"{file},sha256=0,1\n" for file in (*modules, *compiled)))


def _cpu_seconds(site: Path, tests: Path, name: str) -> float:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    block = [] if name == "with" else ["-p", "no:oneml-habitats"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *block, str(tests)]
    process = subprocess.Popen(command, env=environment, cwd=tests, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        message = f"{' '.join(command)}: exit code {process.returncode}"
        raise RuntimeError(message)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(measure)
