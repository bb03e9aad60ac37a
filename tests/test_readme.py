"""README and docs do what they say: each section is followed, block by block, in an empty folder.

``bash`` blocks are run, ``console`` blocks are run and their output is compared (``...`` stands for anything). A
``python`` or ``toml`` block whose first line is a comment that names a file is written there; any other ``python``
block is run. The tutorial is followed as a whole, in one folder.
"""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "tutorial.md",
    ROOT / "docs" / "include.md",
    ROOT / "docs" / "composition.md",
    ROOT / "docs" / "testing.md",
    ROOT / "docs" / "validation.md",
    ROOT / "docs" / "drawing.md",
    ROOT / "docs" / "data.md",
    ROOT / "docs" / "comparison.md",
    *sorted((ROOT / "docs" / "engines").glob("*.md")),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OTHERS = {"py", "sh", "yaml"}
"""Languages that mark what is written for other tools, and is not run."""
TIMEOUT_SECONDS = 120


class Block(NamedTuple):
    language: str
    text: str

    def file(self) -> str | None:
        named = re.match(r"# ([\w./-]+\.(?:py|toml))\n", self.text)
        return named[1] if named else None


def sections(page: Path) -> dict[str, list[Block]]:
    text = page.read_text()
    if page.stem == "tutorial":
        text = text.replace("\n## ", "\n### ")
    parts = re.split(r"^## (.+)$", f"## top\n{text}", flags=re.MULTILINE)[1:]
    titled = zip(parts[::2], parts[1::2], strict=True)
    found = {title.strip(): [Block(*pair) for pair in BLOCK.findall(body)] for title, body in titled}
    return {title: blocks for title, blocks in found.items() if blocks}


SECTIONS = {(page.stem, title): blocks for page in PAGES for title, blocks in sections(page).items()}


class Reader:
    """Somebody who follows the README in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        home = folder / ".home"
        (home / "site").mkdir(parents=True)
        (home / "site" / "sitecustomize.py").write_text("import site\nsite.addsitedir(__file__.rpartition('/')[0])\n")
        hidden = ("ONEML_", "DIGITS_", "HELLO_", "XDG_", "PIP_", "PYTEST_", "PYTHON")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        # pip installs into the folder, from what is here: nothing is downloaded, and this environment stays as it is.
        pip = {"TARGET": str(home / "site"), "NO_DEPS": "1", "NO_INDEX": "1", "NO_BUILD_ISOLATION": "0", "UPGRADE": "1"}
        self.environment = {
            **inherited,
            **{f"PIP_{name}": value for name, value in pip.items()},
            "HOME": str(home),
            "ONEML_STORE_URL": (home / "store").as_uri(),
            "PATH": os.pathsep.join([sysconfig.get_path("scripts"), inherited["PATH"]]),
            "PYTHONPATH": str(home / "site"),
        }

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command[-1]}\nexit code {done.returncode}\n{done.stdout}"
        return done.stdout

    def follow(self, block: Block) -> None:
        if block.language in OTHERS:
            return
        file = block.file()
        if file is not None:
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        if block.language == "bash":
            self.run("bash", "-euo", "pipefail", "-c", block.text)
        elif block.language == "console":
            for command, expected in transcript(block.text):
                seen = self.run("bash", "-euo", "pipefail", "-c", f"{command}\n")
                assert re.fullmatch(pattern(expected), seen.rstrip()), f"$ {command}\n{seen}"
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "python" and file is None:
            self.run(sys.executable, "-W", "error", "-W", "ignore:Port 8787", "-c", block.text)
        else:
            assert block.language in {"python", "text"}, f"nothing is known about {block.language} blocks"


def transcript(text: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        end = next(index for index, line in enumerate(lines) if not line.endswith("\\"))
        yield "\n".join(lines[: end + 1]), "\n".join(lines[end + 1 :])


def pattern(expected: str) -> re.Pattern[str]:
    return re.compile(".*?".join(re.escape(part) for part in expected.rstrip().split("...")), re.DOTALL)


@pytest.mark.parametrize(("page", "title"), SECTIONS)
def test_section_does_what_it_says(page: str, title: str, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for block in SECTIONS[page, title]:
        reader.follow(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_fence_is_of_a_block_that_is_followed(page: Path) -> None:
    fences = re.findall(r"^```", page.read_text(), flags=re.MULTILINE)
    assert len(fences) == 2 * sum(len(blocks) for blocks in sections(page).values())


@pytest.mark.parametrize(
    ("expected", "seen", "same"),
    [("a ... c", "a b c", True), ("a.c", "abc", False), ("a\n...\nz", "a\nb\nc\nz", True), ("a", "ab", False)],
)
def test_dots_stand_for_anything_and_nothing_else_does(expected: str, seen: str, *, same: bool) -> None:
    assert (re.fullmatch(pattern(expected), seen) is not None) is same


def test_transcript_pairs_commands_with_their_output() -> None:
    text = "$ echo a \\\n  b\na b\n$ true\n$ echo c\nc\n"
    assert list(transcript(text)) == [("echo a \\\n  b", "a b"), ("true", ""), ("echo c", "c")]


def test_failing_command_of_a_block_is_seen(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="exit code 3"):
        Reader(tmp_path).follow(Block("bash", "(exit 3)\ntrue\n"))
