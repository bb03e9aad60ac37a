"""The group: laziness, help, exit codes, and what becomes of errors."""

import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner, Result

from oneml.habitats.cli.commands.completion import SHELLS
from oneml.habitats.cli.failures import ReportedError
from oneml.habitats.cli.group import COMMANDS, OnemlGroup, oneml
from oneml.habitats.errors import BackendError, OnemlError, RefusalError, RunError, UnsupportedPlatformError, UsageError

Invoke = Callable[..., Result]
HEAVY = {"dependency_injector", "networkx", "pydantic", "pydantic_settings", "platformdirs", "json", "hashlib"}


def group_that_raises(error: BaseException) -> OnemlGroup:
    def fail() -> None:
        raise error

    group = OnemlGroup("oneml", lazy={}, text="A group.", params=[click.Option(["--traceback"], is_flag=True)])
    group.add_command(click.Command("fail", callback=fail))
    return group


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["--version"], ["no-such-command"]])
def test_what_must_be_quick_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom oneml.habitats.cli import oneml\n"
        f"try: oneml.main({arguments!r}, prog_name='oneml')\nexcept SystemExit: pass\n"
        f"print('loaded:', sorted({HEAVY!r} & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_help_shows_every_command_with_what_it_does(invoke: Invoke) -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for name, command in COMMANDS.items():
        assert f"  {name}" in result.stdout
        assert command.short_help in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_is_what_its_name_says(invoke: Invoke, name: str) -> None:
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: oneml {name} ")


def test_unknown_command_names_the_nearest(invoke: Invoke) -> None:
    result = invoke("run-pipline", "x")
    assert result.exit_code == 2
    assert 'Error: No command "run-pipline". Known: check, completion, describe, ' in result.stderr
    assert 'Did you mean "run-pipeline"?' in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("group", "known"), [("sessions", "create, list, revise, "), ("settings", "explain, schema, ")]
)
def test_unknown_command_of_a_group_below_names_what_is_known(invoke: Invoke, group: str, known: str) -> None:
    result = invoke(group, "shwo")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f'Error: No command "shwo". Known: {known}' in result.stderr
    assert 'Did you mean "show"?' in result.stderr


@pytest.mark.parametrize("name", ["sessions", "settings"])
def test_help_of_a_group_below_leaves_out_nothing_on_80_columns(invoke: Invoke, name: str) -> None:
    shown = invoke(name, "--help").stdout
    assert "..." not in shown.partition("Commands:")[2]
    assert max(map(len, shown.splitlines())) <= 80


def test_commands_to_copy_stand_on_one_line_of_help(invoke: Invoke) -> None:
    shown = invoke("completion", "--help").stdout.splitlines()
    assert all(f"    {line}" in [each[: len(line) + 4] for each in shown] for line in SHELLS.values())


def test_commands_that_a_host_adds_are_shown_and_found() -> None:
    group = OnemlGroup("oneml", lazy=COMMANDS, text="A group.")
    group.add_command(click.Command("extra", help="One more.", callback=lambda: click.echo("ran")))
    group.add_command(click.Command("secret", hidden=True))
    runner = CliRunner()
    shown = runner.invoke(group, ["--help"]).stdout
    assert "extra              One more." in shown
    assert "secret" not in shown
    assert runner.invoke(group, ["extra"]).stdout == "ran\n"


@pytest.mark.parametrize(
    ("kind", "code"), [(RunError, 1), (UsageError, 2), (RefusalError, 3), (BackendError, 4)], ids=str
)
def test_error_ends_with_its_exit_code_and_its_message_on_standard_error(kind: type[OnemlError], code: int) -> None:
    result = CliRunner().invoke(group_that_raises(kind("It is so.")), ["fail"])
    assert result.exit_code == code
    assert result.stderr == "Error: It is so.\n"
    assert result.stdout == ""


def test_interrupt_ends_with_130() -> None:
    result = CliRunner().invoke(group_that_raises(KeyboardInterrupt()), ["fail"])
    assert (result.exit_code, result.stderr) == (130, "Error: interrupted\n")


def test_interrupt_while_options_are_read_ends_with_130_too() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    option = click.Option(["--traceback"], is_flag=True, callback=interrupt)
    result = CliRunner().invoke(OnemlGroup("oneml", lazy={}, text="A group.", params=[option]), ["fail"])
    assert (result.exit_code, result.stderr) == (130, "Error: interrupted\n")


@pytest.mark.parametrize("code", [0, None, 3])
def test_code_that_would_end_the_process_is_a_failure(code: int | None) -> None:
    result = CliRunner().invoke(group_that_raises(SystemExit(code)), ["fail"])
    assert result.exit_code == 1
    assert result.stderr == f"Error: the code of a pipeline ended the process: sys.exit({code})\n"


def test_error_keeps_its_cause_for_a_host_that_wants_it() -> None:
    error = UsageError("It is so.")
    with pytest.raises(ReportedError) as caught:
        group_that_raises(error).main(["fail"], standalone_mode=False)
    assert caught.value.exit_code == 2
    assert caught.value.__cause__ is error


def test_traceback_is_shown_where_it_is_asked_for() -> None:
    group = group_that_raises(UsageError("It is so."))
    result = CliRunner().invoke(group, ["--traceback", "fail"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Traceback (most recent call last):")
    assert ", in fail\n" in result.stderr
    assert result.stderr.endswith("Error: It is so.\n")


def test_defect_is_not_dressed_up_as_an_error_of_ours() -> None:
    result = CliRunner().invoke(group_that_raises(ZeroDivisionError("a defect")), ["fail"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_windows_is_refused(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneml.habitats.cli.group.sys.platform", "win32")
    result = invoke("list")
    assert (result.exit_code, result.stderr) == (2, f"Error: {UnsupportedPlatformError()}\n")
    assert "not on Windows. Use the Windows Subsystem for Linux" in result.stderr


def test_module_and_installed_command_are_the_same(process: Callable[..., subprocess.CompletedProcess[bytes]]) -> None:
    assert process("list", "--json").stdout == process("list", "--json", code=["-c", MAIN]).stdout


MAIN = "from oneml.habitats.cli import main; main()"


def test_reader_that_goes_away_is_no_traceback(process: Callable[..., subprocess.CompletedProcess[bytes]]) -> None:
    script = (
        "import os, sys\nreader, writer = os.pipe()\nos.close(reader)\nos.dup2(writer, 1)\n"
        "from oneml.habitats.cli import main\nmain()"
    )
    done = process("list", "--json", code=["-c", script])
    assert done.stderr == b""


def test_no_escape_codes_and_one_document_on_standard_output(
    process: Callable[..., subprocess.CompletedProcess[bytes]],
) -> None:
    done = process("list", "--json")
    assert b"\x1b" not in done.stdout + done.stderr
    assert json.loads(done.stdout)["schema"] == "oneml.list/1"


def test_group_is_named_for_completion() -> None:
    assert oneml.name == "oneml"


def commands(group: click.Group, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


def test_help_of_every_command_keeps_its_examples_on_lines_of_their_own(invoke: Invoke) -> None:
    seen = 0
    for path, command in commands(oneml):
        shown = invoke(*path, "--help").stdout
        assert "\\" not in shown.replace("\\\n", ""), path
        text = inspect.cleandoc(command.help or "")
        examples = [line.strip() for line in text.splitlines() if line.startswith("  oneml ")]
        assert {line.strip() for line in shown.splitlines()} >= set(examples)
        seen += len(examples)
    assert seen > 5
