"""What users' type checkers see: mypy and basedpyright, both strict, on files that are never run."""

import functools
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

FILES = Path(__file__).parent / "typing"
MARK = "# rejected: "


@functools.cache
def run(*command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=FILES, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


def by_mypy(file: str) -> Mapping[int, str]:
    out = run("mypy", "--strict", "--cache-dir=/dev/null", *names_of("*.py"))
    errors = re.findall(rf"^{re.escape(file)}:(\d+): error: (.*)", out, flags=re.MULTILINE)
    return {int(line): text for line, text in errors}


def by_basedpyright(file: str) -> Mapping[int, str]:
    out = json.loads(run("basedpyright", "--outputjson", "--pythonpath", sys.executable, "--project", "."))
    assert out["summary"]["filesAnalyzed"] >= 2
    found = [each for each in out["generalDiagnostics"] if Path(each["file"]).name == file]
    return {each["range"]["start"]["line"] + 1: each["message"] for each in found if each["severity"] == "error"}


def marked(file: str) -> Mapping[int, str]:
    lines = (FILES / file).read_text().splitlines()
    return {number: line.partition(MARK)[2] for number, line in enumerate(lines, start=1) if MARK in line}


def names_of(pattern: str) -> list[str]:
    return sorted(path.name for path in FILES.glob(pattern))


@pytest.mark.xdist_group("typing")  # in one process, so that each checker runs once
@pytest.mark.parametrize("errors_in", [by_mypy, by_basedpyright])
class TestChecker:
    @pytest.mark.parametrize("file", names_of("*accepted*.py"))
    def test_accepts_what_is_right(self, errors_in: Callable[[str], Mapping[int, str]], file: str) -> None:
        assert errors_in(file) == {}

    @pytest.mark.parametrize("file", names_of("rejected*.py"))
    def test_rejects_each_marked_line_and_no_other(
        self, errors_in: Callable[[str], Mapping[int, str]], file: str
    ) -> None:
        wrong, found = marked(file), errors_in(file)
        assert {line: text for line, text in wrong.items() if line not in found} == {}
        assert {line: text for line, text in found.items() if line not in wrong} == {}
