"""``oneml list``: a table for people, one document for programs, problems on the side."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import Result

from oneml.habitats.habitats.distributions import all_distributions

Invoke = Callable[..., Result]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install distributions into a folder that is all that is searched."""
    folder = tmp_path / "site"
    folder.mkdir()
    searched = partial(all_distributions, [str(folder)])
    monkeypatch.setattr("oneml.habitats.habitats.registry.all_distributions", lambda _: searched())

    def install(distribution: str, points: str) -> None:
        metadata = folder / f"{distribution}.dist-info"
        metadata.mkdir()
        (metadata / "entry_points.txt").write_text(f"[oneml.habitats]\n{points}\n")

    return install


def test_table_has_aligned_columns_and_no_trailing_space(invoke: Invoke, site: Callable[[str, str], None]) -> None:
    site("first-1.0", "hello = pkg:Hello")
    site("second_one-2.0", "a-longer-name = mod:Some.Thing")
    assert invoke("list").stdout.splitlines() == [
        "NAME           DISTRIBUTION    CONTAINER",
        "a-longer-name  second-one 2.0  mod:Some.Thing",
        "hello          first 1.0       pkg:Hello",
    ]


def test_problem_is_told_beside_the_table_and_is_no_failure(invoke: Invoke, site: Callable[[str, str], None]) -> None:
    site("first-1.0", "same = a:B\nfine = a:B")
    site("second-1.0", "same = c:D")
    result = invoke("list")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr == (
        'Habitat "same" cannot be used: several habitats have this name: a:B (first 1.0), c:D (second 1.0).\n'
    )


def test_document_says_the_same(invoke: Invoke, site: Callable[[str, str], None]) -> None:
    site("first-1.0", "hello = pkg:Hello\nbad = nowhere")
    document = json.loads(invoke("list", "--json").stdout)
    assert document["schema"] == "oneml.list/1"
    bad, hello = document["habitats"]
    assert hello == {
        "name": "hello",
        "target": "pkg:Hello",
        "distribution": "first",
        "version": "1.0",
        "problem": None,
    }
    assert 'not of the form "module:attr"' in bad["problem"]


@pytest.mark.usefixtures("site")
def test_nothing_installed_is_said_and_is_no_failure(invoke: Invoke) -> None:
    result = invoke("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith('No habitat is installed. A package offers one by an entry point of the group "')
