"""The command line in this process and in real ones, each with a store, settings and a working folder of its own."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oneml.habitats.cli import oneml

SITE = Path(__file__).parent / "site"
"""Holds a distribution with habitats that tests run: ``probe``, and two that cannot be used."""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep everything that a command reads or writes below ``tmp_path``, and return the working folder."""
    for name in [name for name in os.environ if name.upper().startswith("ONEML_")]:
        monkeypatch.delenv(name)
    for variable, folder in (
        ("XDG_STATE_HOME", "state"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_DATA_HOME", "data"),
        ("HOME", "home"),
    ):
        monkeypatch.setenv(variable, str(tmp_path / folder))
    monkeypatch.syspath_prepend(str(SITE))
    monkeypatch.setenv("PYTHONPATH", str(SITE))
    working = tmp_path / "work"
    working.mkdir()
    monkeypatch.chdir(working)
    return working


@pytest.fixture
def invoke(environment: Path) -> Callable[..., Result]:
    """Run the command line in this process."""

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(oneml, arguments, prog_name="oneml")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def process(environment: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run the command line in a process of its own, and wait for it."""

    def run(*arguments: str, code: Sequence[str] = ("-m", "oneml.habitats")) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, *code, *arguments]
        return subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=environment)

    return run


@pytest.fixture
def at_terminal(environment: Path) -> Callable[..., tuple[int, str, bytes]]:
    """Run the command line at a terminal at which somebody types; give exit code, what is shown there, and the data."""

    def run(typed: str, *arguments: str) -> tuple[int, str, bytes]:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "oneml.habitats", *arguments]
        variables = {**os.environ, "TERM": "xterm"}
        shown = b""
        with subprocess.Popen(
            command, cwd=environment, env=variables, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs
        ) as running:
            os.close(theirs)
            os.write(ours, typed.encode())
            while True:
                try:
                    read = os.read(ours, 4096)
                except OSError:  # Linux says so when the other side is closed
                    break
                if not read:
                    break
                shown += read
            data, _ = running.communicate(timeout=60)
        os.close(ours)
        return running.returncode, shown.decode(), data

    return run
