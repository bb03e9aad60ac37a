"""Standard streams: a terminal, closed ones, full disks."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from oneml.habitats.cli.group import OnemlGroup

RUN = ("run-pipeline", "probe", "--input", 'name="me"')


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_nothing(environment: Path, closed: str) -> None:
    script = f'exec "$0" -m oneml.habitats "$@" {closed}'
    command = ["sh", "-c", script, sys.executable, *RUN, "--session-id", "mine"]
    done = subprocess.run(command, cwd=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_names_that_are_no_text_are_told(environment: Path, option: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "oneml.habitats", "check", b"\xff", *option],
        cwd=environment,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert b"\\udcff" in done.stdout
    assert b"Traceback" not in done.stderr


def test_terminal_sees_a_bar_and_data_stays_plain(at_terminal: Callable[..., tuple[int, str, bytes]]) -> None:
    code, shown, data = at_terminal("", *RUN, "--json")
    assert code == 0
    assert "\r[" in shown
    assert "/5" in shown
    assert b"\x1b" not in data
    assert data.startswith(b'{\n  "schema": "oneml.run/1"')


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("argument", ["list", "--help", "--version"])
def test_full_disk_behind_standard_output_is_told_and_ends_with_4(environment: Path, argument: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "oneml.habitats", argument],
            cwd=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 4
    assert done.stderr.startswith(b"Error: the operating system refused: [Errno 28] No space left on device.")


def test_pipe_that_breaks_elsewhere_is_a_failure_that_is_told() -> None:
    def fail() -> None:
        raise BrokenPipeError(32, "Broken pipe")

    group = OnemlGroup("oneml", lazy={}, text="A group.")
    group.add_command(click.Command("fail", callback=fail))
    result = CliRunner().invoke(group, ["fail"])
    assert result.exit_code == 4
    assert result.stderr.startswith("Error: the operating system refused: [Errno 32] Broken pipe.")


@pytest.mark.parametrize(
    ("closed", "arguments"),
    [
        ("stdout", ["list"]),
        ("stdout", ["list", "--json"]),
        ("stdout", ["list", "--bad", "--json"]),
        ("stdout", ["--help"]),
        ("stderr", ["sessions", "list"]),
    ],
    ids=str,
)
def test_reader_that_goes_away_ends_the_command_quietly(environment: Path, closed: str, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, closed: writer}
    command = [sys.executable, "-m", "oneml.habitats", *arguments]
    with subprocess.Popen(command, cwd=environment, stdout=streams["stdout"], stderr=streams["stderr"]) as running:
        os.close(writer)
        told = running.communicate(timeout=60)
    assert (running.returncode, [text for text in told if text]) == (141, [])
