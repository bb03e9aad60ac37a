"""The command line mounted under click and Typer hosts: help, bad options and exit codes as at top level."""

import subprocess
from collections.abc import Callable

import click
import pytest
import typer
from click.testing import CliRunner
from typer.testing import CliRunner as TyperRunner

from oneml.habitats.cli import add_to_typer, oneml
from oneml.habitats.cli.group import OnemlGroup
from oneml.habitats.errors import BackendError, OnemlError, RefusalError, RunError, UsageError

ERRORS: list[tuple[type[OnemlError] | type[KeyboardInterrupt] | None, int]] = [
    (None, 0),
    (RunError, 1),
    (UsageError, 2),
    (RefusalError, 3),
    (BackendError, 4),
    (KeyboardInterrupt, 130),
]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[BaseException] | None], None]:
    """Let ``oneml list`` raise."""

    def arrange(kind: type[BaseException] | None) -> None:
        said = ["It is so."]

        def callback() -> None:
            if kind is not None:
                raise kind(*said)

        monkeypatch.setitem(oneml.commands, "list", click.Command("list", callback=callback))

    return arrange


def click_host() -> click.Group:
    host = click.Group("immunocli-next")
    host.add_command(oneml)
    return host


def typer_host() -> typer.Typer:
    host = typer.Typer()
    add_to_typer(host)
    return host


@pytest.mark.parametrize(("kind", "code"), ERRORS)
def test_exit_codes_hold_under_click(
    failing: Callable[[type[BaseException] | None], None], kind: type[BaseException] | None, code: int
) -> None:
    failing(kind)
    result = CliRunner().invoke(click_host(), ["oneml", "list"], prog_name="immunocli-next")
    assert result.exit_code == code
    assert result.stderr.startswith("Error: ") == bool(code)


@pytest.mark.parametrize(("kind", "code"), ERRORS)
def test_exit_codes_hold_under_typer(
    failing: Callable[[type[BaseException] | None], None], kind: type[BaseException] | None, code: int
) -> None:
    failing(kind)
    result = TyperRunner().invoke(typer_host(), ["oneml", "list"], prog_name="immunocli-next")
    assert result.exit_code == code
    assert result.stderr.startswith("Error: ") == bool(code)


@pytest.mark.parametrize(
    "arguments", [["oneml", "--help"], ["oneml", "sessions", "--help"], ["oneml", "list", "--help"]]
)
def test_help_shows_the_whole_path(arguments: list[str]) -> None:
    expected = f"Usage: immunocli-next {' '.join(arguments[:-1])} "
    assert CliRunner().invoke(click_host(), arguments, prog_name="immunocli-next").stdout.startswith(expected)
    assert TyperRunner().invoke(typer_host(), arguments, prog_name="immunocli-next").stdout.startswith(expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["oneml", "--bad"], "No such option"),
        (["oneml", "list", "--bad"], "No such option"),
        (["oneml", "lst"], 'Did you mean "list"?'),
    ],
)
def test_bad_usage_ends_with_2_and_shows_the_whole_path(arguments: list[str], message: str) -> None:
    for result in (
        CliRunner().invoke(click_host(), arguments, prog_name="immunocli-next"),
        TyperRunner().invoke(typer_host(), arguments, prog_name="immunocli-next"),
    ):
        assert result.exit_code == 2
        assert message in result.stderr
        assert "Usage: immunocli-next oneml " in result.stderr


def test_typer_host_with_commands_and_a_callback_of_its_own_keeps_them() -> None:
    host = typer.Typer()
    seen: list[str] = []

    @host.callback()
    def before() -> None:
        seen.append("callback")

    @host.command()
    def own() -> None:
        seen.append("own")

    add_to_typer(host, name="pipelines")
    assert TyperRunner().invoke(host, ["own"]).exit_code == 0
    assert TyperRunner().invoke(host, ["pipelines", "list", "--json"]).exit_code == 0
    assert seen == ["callback", "own", "callback"]


def test_host_as_a_process_ends_with_our_exit_codes(
    process: Callable[..., subprocess.CompletedProcess[bytes]],
) -> None:
    script = (
        "import click\nfrom oneml.habitats.cli import oneml\n"
        "host = click.Group('host')\nhost.add_command(oneml)\nhost()"
    )
    assert process("oneml", "list", "--json", code=["-c", script]).returncode == 0
    assert process("oneml", "list", "--bad", code=["-c", script]).returncode == 2


def test_group_of_the_host_is_ours() -> None:
    assert isinstance(click_host().commands["oneml"], OnemlGroup)
