"""Code that is reached in odd ways is proven like any other; an unchanged one raises no alarm."""

from pathlib import Path
from typing import NamedTuple

import pytest

from forked import Forks
from harbour_site import Harbour, installed

EXTRA = "harbour/extra.py"
BEFORE, AFTER = "VALUE = 1\n", "VALUE = 2\n"


class Way(NamedTuple):
    """How ``harbour.sums`` comes by a value of another file.

    Attributes:
        name: Of the way.
        added: What is written at the end of which files.
        extra: The other file.
    """

    name: str
    added: dict[str, str]
    extra: str = EXTRA


def in_sums(name: str, text: str, **more: str) -> Way:
    return Way(name, {"harbour/sums.py": text}, **more)


LAZY = """
def __getattr__(name):
    import importlib

    return importlib.import_module("harbour." + name)
"""
FOLDER = "import os\nHERE = os.path.dirname(__file__)\n"
WAYS = (
    in_sums("relative", "from . import extra\n"),
    in_sums("inside a function", "def used():\n    from .extra import VALUE\n    return VALUE\n"),
    in_sums("star", "from harbour.extra import *\n"),
    in_sums(
        "for type checkers",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from harbour.extra import VALUE\n",
    ),
    in_sums("name put together", "import importlib\nX = importlib.import_module('harbour.' + 'extra').VALUE\n"),
    in_sums(
        "name in a constant", "import importlib\nNAME = 'harbour.extra'\nX = importlib.import_module(NAME).VALUE\n"
    ),
    in_sums("text that is run", "from pathlib import Path\nexec(Path(__file__).with_name('extra.py').read_text())\n"),
    Way("attribute of the package", {"harbour/__init__.py": LAZY}),
    Way(
        "package that looks elsewhere",
        {
            "harbour/__init__.py": f"{FOLDER}__path__.append(os.path.join(HERE, 'plugins'))\n",
            "harbour/sums.py": "from harbour.extra import VALUE\n",
        },
        "harbour/plugins/extra.py",
    ),
    Way(
        "search path of the package",
        {
            "harbour/__init__.py": f"import sys\n{FOLDER}sys.path.insert(0, os.path.join(HERE, 'vendored'))\n",
            "harbour/sums.py": "from extra import VALUE\n",
        },
        "harbour/vendored/extra.py",
    ),
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name.replace(" ", "-"))
def test_code_that_is_reached_in_an_odd_way_is_proven(way: Way, tmp_path: Path, forks: Forks) -> None:
    harbour = changed(tmp_path, forks, way)
    created, proven = harbour.run(*CREATE), harbour.run(*PROVE)
    assert created.returncode == 0, created.stdout
    assert proven.returncode == 0, proven.stdout
    harbour.edit(way.extra, BEFORE, AFTER)
    refused = harbour.run(*PROVE)
    assert refused.returncode == 3, refused.stdout
    assert way.extra in refused.stdout + refused.stderr


CREATE = ("sessions", "create", "harbour", "--session-id", "odd-way")
PROVE = ("prove", "odd-way", "//load")


def changed(folder: Path, forks: Forks, way: Way) -> Harbour:
    harbour = installed(folder, forks=forks)
    harbour.write(way.extra, BEFORE)
    for file, text in way.added.items():
        harbour.write(file, (harbour.packages / file).read_text() + text)
    return harbour


def test_a_folder_that_becomes_a_package_is_refused(tmp_path: Path, forks: Forks) -> None:
    harbour = installed(tmp_path, forks=forks)
    (harbour.packages / "harbour/tables/__init__.py").unlink()
    harbour.create("harbour", "--session-id", "odd-way")
    harbour.write("harbour/tables/__init__.py", "raise SystemExit(1)\n")
    refused = harbour.run(*PROVE)
    assert refused.returncode == 3
    assert "harbour/tables/__init__.py" in refused.stdout + refused.stderr


def test_a_module_that_belongs_to_no_distribution_is_unproven_until_it_is_declared(
    tmp_path: Path, forks: Forks
) -> None:
    harbour = changed(tmp_path, forks, in_sums("", "from helpers import VALUE\n", extra="helpers.py"))
    create = ("sessions", "create", "harbour", "--engine", "process", "--session-id", "odd-way")
    refused = harbour.run(*create)
    assert refused.returncode == 2
    assert 'first_party = ("helpers",)' in refused.stderr
    assert harbour.run("run-pipeline", "harbour", "--quiet").returncode == 0
    harbour.edit("harbour/containers.py", 'first_party = ("anchors",)', 'first_party = ("anchors", "helpers")')
    assert harbour.run(*create).returncode == 0
    harbour.edit("helpers.py", BEFORE, AFTER)
    assert harbour.run(*PROVE).returncode == 3


def test_the_version_of_a_distribution_that_is_imported_but_not_required_counts(tmp_path: Path, forks: Forks) -> None:
    harbour = changed(tmp_path, forks, in_sums("", "from helpers import VALUE\n", extra="helpers.py"))
    metadata = harbour.metadata("some-helpers")
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: some-helpers\nVersion: 1.0\n")
    (metadata / "RECORD").write_text("helpers.py,,\n")
    created, proven = harbour.run(*CREATE), harbour.run(*PROVE)
    assert (created.returncode, proven.returncode) == (0, 0), proven.stdout
    metadata.rename(harbour.metadata("some-helpers", "1.1"))
    refused = harbour.run(*PROVE)
    assert refused.returncode == 3
    assert "distribution some-helpers, version" in refused.stdout
