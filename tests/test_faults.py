"""The page of faults tells of every engine, and each cell of its table names a test that there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import oneml.habitats.testing as suites

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "engines" / "faults.md"
NAMED = re.compile(r"`(?P<file>[\w/]+\.py)(?:::(?P<test>test_\w+))?`|`(?P<more>test_\w+)`")
AS_ANOTHER = re.compile(r"^-|\bas (?:a|its|one)\b|the same test|the test of|row of")


def table() -> tuple[list[str], list[list[str]]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [cell.strip() for cell in head], rows


def named_tests(text: str) -> Iterator[tuple[Path, str]]:
    """Give the file and the name of each test; one without a file stands in the file that was named before it."""
    file = Path()
    for found in NAMED.finditer(text):
        if found["file"]:
            place = Path(suites.__file__).parents[1] if found["file"].startswith("testing/") else TESTS
            file = place / found["file"]
        yield file, found["test"] or found["more"] or ""


def test_every_fault_is_told_for_every_engine() -> None:
    head, rows = table()
    assert head == ["fault", "process", "Dask", "Ray", "Slurm"]
    assert [row[0] for row in rows if len(row) != len(head)] == []
    assert len(rows) > 20


def test_each_cell_names_a_test_or_another_cell_or_says_why_there_is_none() -> None:
    head, rows = table()
    bare = [(row[0], engine) for row in rows for engine, cell in zip(head[1:], row[1:], strict=True) if is_bare(cell)]
    assert bare == []


def is_bare(cell: str) -> bool:
    return not NAMED.search(cell) and not AS_ANOTHER.search(cell)


@pytest.mark.parametrize("row", [*table()[1], [PAGE.read_text()]], ids=lambda row: row[0][:40])
def test_the_tests_that_are_named_exist(row: list[str]) -> None:
    for file, test in (named for cell in row for named in named_tests(cell)):
        assert file.is_file(), file
        assert not test or f"def {test}(" in file.read_text(), (file.name, test)
