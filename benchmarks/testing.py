"""What the pytest plugin costs a run that does not use it, in processor time.

Whole runs differ by more than a plugin may cost, so that what pytest does for the plugin is timed by itself: it reads
the list of the files of the distribution, and imports the plugin.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, at_most
from benchmarks.group import Effort, main

SOURCES = Path(__file__).parents[1] / "src"
CODE = """
import importlib, importlib.metadata, json, sys, time
began = time.process_time()
import pytest
pytest_seconds = time.process_time() - began
others = next(iter(importlib.metadata.distributions(name="pytest")))
assert others.files
(ours,) = importlib.metadata.distributions(path=[sys.argv[1]], name="oneml-habitats")
began = time.process_time()
files = [str(file) for file in ours.files]
list_seconds = time.process_time() - began
began = time.process_time()
importlib.import_module("oneml.habitats_pytest")
import_seconds = time.process_time() - began
print(json.dumps([pytest_seconds, list_seconds, import_seconds]))
"""


def measure(effort: Effort) -> Iterator[Figure]:
    """Give the cost of the plugin where it is installed from a wheel, and where it is installed for editing."""
    count = 5 if effort.quick else 25
    with TemporaryDirectory() as folder:
        site = Path(folder)
        _installed(site)
        _seconds(site)
        rows = [_seconds(site) for _ in range(count)]
    of_pytest, listing, importing = (1000 * statistics.median(column) for column in zip(*rows, strict=True))
    peer = f"import pytest: {of_pytest:.0f} ms"
    yield at_most("pytest plugin, unused, its import", importing, 5, " ms", peer=peer)
    yield at_most("pytest plugin, unused, and the files of the wheel listed", importing + listing, 5, " ms", peer=peer)


def _installed(site: Path) -> None:
    """Lay out a folder as pip does with the wheel: modules, compiled ones, and metadata that lists both."""
    (site / "oneml").symlink_to(SOURCES / "oneml")
    info = site / "oneml_habitats-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: oneml-habitats\nVersion: 0.1.0\n")
    modules = [file.relative_to(SOURCES) for file in (SOURCES / "oneml").rglob("*.py")]
    tag = sys.implementation.cache_tag
    compiled = [file.parent / "__pycache__" / f"{file.stem}.{tag}.pyc" for file in modules]
    (info / "RECORD").write_text("".join(f"{file},sha256=0,1\n" for file in (*modules, *compiled)))


def _seconds(site: Path) -> list[float]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", CODE, str(site)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main(measure)
