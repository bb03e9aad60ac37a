"""The README's table of lines of code is what the snippets in `docs/comparison.md` come to."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("Kedro", "Hamilton", "Dagster", "oneml-habitats")
COUNTED = re.compile(r"^```(py|sh|yaml|python|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def tasks() -> dict[str, str]:
    page = (ROOT / "docs" / "comparison.md").read_text()
    parts = re.split(r"^### (.+)$", page, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def snippets(task: str, tool: str) -> list[tuple[str, str]]:
    parts = re.split(r"^\*\*(.+)\.\*\*", tasks()[task], flags=re.MULTILINE)[1:]
    assert parts[::2] == list(TOOLS)
    return COUNTED.findall(dict(zip(parts[::2], parts[1::2], strict=True))[tool])


def lines(task: str, tool: str) -> int:
    """Count what is neither blank nor a comment."""
    texts = [text for _, text in snippets(task, tool)]
    return len([line for text in texts for line in text.splitlines() if line.strip() and not line.startswith("#")])


def table() -> dict[str, list[int]]:
    section = (ROOT / "README.md").read_text().split("\n## Compared\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in section.splitlines() if row.startswith("|")]
    assert rows[0][1:] == ["Kedro", "Hamilton", "Dagster", "here"]
    return {title: [int(cell) for cell in cells] for title, *cells in rows[2:]}


def test_table_has_a_row_for_every_task() -> None:
    assert list(table()) == list(tasks())


@pytest.mark.parametrize("task", tasks())
def test_table_says_how_many_lines_each_tool_takes(task: str) -> None:
    counted = [lines(task, tool) for tool in TOOLS]
    assert table()[task] == counted
    assert all(counted)


@pytest.mark.parametrize("task", tasks())
def test_ours_are_in_the_languages_that_are_run_and_the_others_are_not(task: str) -> None:
    assert {language for language, _ in snippets(task, "oneml-habitats")} <= {"python", "bash"}
    for tool in TOOLS[:-1]:
        assert {language for language, _ in snippets(task, tool)} <= {"py", "sh", "yaml"}


def test_python_of_the_others_is_python() -> None:
    for task in tasks():
        for tool in TOOLS[:-1]:
            for language, text in snippets(task, tool):
                if language == "py":
                    ast.parse(text)
