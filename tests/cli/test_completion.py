"""Completion in shells: the script, and what is offered."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import Result

from oneml.habitats.cli import oneml

Invoke = Callable[..., Result]


def offered(*words: str) -> list[str]:
    *before, begun = words
    complete = ShellComplete(oneml, {}, "oneml", "_ONEML_COMPLETE")
    return [item.value for item in complete.get_completions(list(before), begun)]


@pytest.fixture
def session(invoke: Invoke) -> str:
    created = invoke("sessions", "create", "probe", "--input", 'name="me"', "--session-id", "mine-1")
    assert created.exit_code == 0
    return "mine-1"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_asks_for_completions_by_our_variable(invoke: Invoke, shell: str) -> None:
    result = invoke("completion", shell)
    assert result.exit_code == 0
    assert f"_ONEML_COMPLETE={shell}_complete" in result.stdout
    assert f"oneml completion {shell} >" in result.stderr


def test_the_shell_in_use_is_the_default(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "fish_complete" in invoke("completion").stdout
    monkeypatch.setenv("SHELL", "/bin/ksh")
    result = invoke("completion")
    assert result.exit_code == 2
    assert "Name it: oneml completion bash|zsh|fish" in result.stderr


@pytest.mark.usefixtures("environment")
def test_commands_and_habitats_are_offered() -> None:
    assert offered("run-p") == ["run-pipeline", "run-pipeline-node"]
    assert "probe" in offered("run-pipeline", "")
    assert offered("check", "prob") == ["probe"]


def test_sessions_and_their_nodes_are_offered(session: str) -> None:
    assert offered("sessions", "show", "") == [session]
    assert "//make" in offered("output", session, "//")
    assert offered("output", session, "//ma") == ["//make"]
    assert "//make" in offered("run-pipeline-node", "--session-id", session, "")


@pytest.mark.parametrize(
    "words",
    [
        ("graph", "--session"),
        ("settings", "explain", "probe", "--session"),
        ("run-pipeline", "probe", "--parent"),
        ("run-pipeline-node", "--session-id"),
    ],
)
def test_sessions_are_offered_as_values_of_options(session: str, words: tuple[str, ...]) -> None:
    assert offered(*words, "mi") == [session]


@pytest.mark.usefixtures("environment")
def test_engines_and_habitats_are_offered_as_values_of_options() -> None:
    assert offered("run-pipeline", "--engine", "") == ["dask", "in-process", "process", "ray", "slurm"]
    assert offered("check", "--engine", "in") == ["in-process"]
    assert offered("run-pipeline-node", "--pipeline", "prob") == ["probe"]


def test_nothing_is_offered_where_nothing_can_be_read(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = environment / "file"
    broken.write_text("no folder")
    monkeypatch.setenv("ONEML_STORE_URL", broken.as_uri())
    assert offered("sessions", "show", "") == []
    assert offered("output", "no-such-session", "") == []
    assert offered("output", "") == []
