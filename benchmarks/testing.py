"""What the pytest plugin costs a run that does not use it: whole runs of pytest with it and without it, in turns.

Both are of installed wheels: oneml-habitats in each of them, pytest-oneml-habitats in one. Of two runs that follow each
other the processor time is compared, and the median of the differences counts. What pytest does for the plugin is
timed by itself as well: it lists the files of its distribution, and imports it.
"""

import json
import resource
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main

ROOT = Path(__file__).parents[1]
PYTEST = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
RUN = """
import sys
sys.path.append(sys.argv[1])
import pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "test_unused.py"]))
"""
PARTS = """
import importlib, json, sys, time
sys.path.append(sys.argv[1])
from importlib.metadata import distribution
import pytest
assert distribution("pytest").files
began = time.process_time()
(entry,) = (entry for entry in distribution("pytest-oneml-habitats").entry_points if entry.group == "pytest11")
files = [str(file) for file in distribution("pytest-oneml-habitats").files]
listed = time.process_time()
entry.load()
print(json.dumps([listed - began, time.process_time() - listed]))
"""


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the cost of the plugin in a whole run, and that of its parts."""
    count = 5 if effort.quick else 60
    with TemporaryDirectory() as folder:
        without, having = Path(folder, "without"), Path(folder, "having")
        _install(ROOT, without)
        for name in PYTEST:
            _link(name, without)
        shutil.copytree(without, having, symlinks=True)
        _install(ROOT / "pytest-plugin", having)
        Path(folder, "test_unused.py").write_text("def test_unused():\n    pass\n")
        runs = [_pair(without, having, turn) for turn in range(-1, count)][1:]
        parts = [_parts(having) for _ in range(count)]
    peer = f"without it: {1000 * statistics.median(bare for bare, _ in runs):.0f} ms"
    more = 1000 * statistics.median(loaded - bare for bare, loaded in runs)
    yield at_most("pytest plugin, unused, a whole run of pytest more", more, 5, " ms", peer=peer)
    listing, importing = (1000 * statistics.median(column) for column in zip(*parts, strict=True))
    yield at_most("pytest plugin, unused, its files listed and it imported", listing + importing, 5, " ms")


def _install(project: Path, site: Path) -> None:
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--compile")
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", site, project], check=True)


def _link(name: str, site: Path) -> None:
    """Put a distribution that is installed here there as well."""
    found = distribution(name)
    for top in {file.parts[0] for file in found.files or () if file.parts[0] not in {"..", "__pycache__"}}:
        (site / top).symlink_to(Path(str(found.locate_file(top))))


def _pair(without: Path, having: Path, turn: int) -> tuple[float, float]:
    """Return the seconds of two runs, of which now one and now the other is the first."""
    if turn % 2:
        loaded, bare = _seconds(having), _seconds(without)
    else:
        bare, loaded = _seconds(without), _seconds(having)
    return bare, loaded


def _seconds(site: Path) -> float:
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    _python(RUN, site)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime


def _parts(site: Path) -> list[float]:
    return json.loads(_python(PARTS, site))


def _python(code: str, site: Path) -> str:
    """Run code with nothing but the standard library and a folder to import from."""
    command = [sys.executable, "-I", "-S", "-c", code, str(site)]
    return subprocess.run(command, cwd=site.parent, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main(measure)
