"""What nodes print in the driver's process: told to whoever observes, line by line, as of other engines."""

import io
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from oneml.habitats import HabitatRegistry, PipelineServiceClient
from oneml.habitats.ports.observer import Event, NodeEvent, NodeLog, Observer
from oneml.habitats.settings.sources import ProcessSources
from oneml.habitats.values.states import NodeState

IMPORTABLE = Path(__file__).parent / "importable"

Talking = Callable[..., list[Event]]


@pytest.fixture
def talking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Talking:
    """Run a habitat and return all events."""
    monkeypatch.syspath_prepend(str(IMPORTABLE))
    registry = HabitatRegistry(search_path=[])
    for name in ("Say", "Fork", "Ask", "Nest", "Tell"):
        registry.register(name.lower(), f"talking:{name}It")
    registry.register("talk", "talking:TalkBoth")
    sources = ProcessSources(environ={}, working_directory=tmp_path)
    client = PipelineServiceClient(store=(tmp_path / "store").as_uri(), registry=registry, sources=sources)

    def run(name: str, observe: Observer | None = lambda _: None, **settings: object) -> list[Event]:
        events: list[Event] = []
        with client.create_session(name, settings=settings) as session:
            result = session.run(observers=[] if observe is None else [observe, events.append])
        assert result.succeeded, result.nodes
        return events

    return run


def lines_of(events: list[Event], path: str) -> list[str]:
    return [event.line for event in events if isinstance(event, NodeLog) and event.path == path]


def test_everything_that_python_code_prints_is_told_without_secrets(
    talking: Talking, capfd: pytest.CaptureFixture[str]
) -> None:
    events = talking("say")
    told = lines_of(events, "//say")
    assert told == ["to stdout **********", "to stderr", "logged", "from a thread", "100%", "without an end"]
    states = [event.state if isinstance(event, NodeEvent) else "line" for event in events[1:-1]]
    assert states == [NodeState.RUNNING, *["line"] * len(told), NodeState.SUCCEEDED]
    assert "".join(capfd.readouterr()) == ""


def test_lines_are_told_while_the_node_runs_and_what_observers_print_is_no_line(
    talking: Talking, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sys.stdout, sys.stderr, sys.stdin

    def observe(event: Event) -> None:
        if isinstance(event, NodeLog):
            import_module("talking").Heard.lines.append(event.line)
            print("heard", event.line)  # noqa: T201  # as observers do
            print("heard", event.line, file=sys.stderr)  # noqa: T201  # likewise

    events = talking("tell", observe)
    lines = lines_of(events, "//tell")
    assert lines[1] == "before the end"
    assert import_module("talking").Heard.before_the_end == tuple(lines)
    assert capsys.readouterr() == tuple("".join(f"heard {line}\n" for line in lines) for _ in range(2))
    assert (sys.stdout, sys.stderr, sys.stdin) == before


def test_nodes_on_threads_have_lines_of_their_own(talking: Talking, tmp_path: Path) -> None:
    folder = tmp_path / "started"
    folder.mkdir()
    events = talking("talk", workers=2, folder=str(folder))
    for name in ("one", "two"):
        assert lines_of(events, f"//{name}") == [f"{name} {number}" for number in range(50)]


def test_what_a_session_in_a_node_prints_is_of_that_node(talking: Talking) -> None:
    assert lines_of(talking("nest"), "//nest")[:2] == ["to stdout **********", "to stderr"]


def test_what_a_child_process_prints_goes_where_the_process_prints(
    talking: Talking, capfd: pytest.CaptureFixture[str]
) -> None:
    assert lines_of(talking("fork"), "//fork") == []
    assert "from a child" in "".join(capfd.readouterr())


def test_a_question_is_shown_before_its_answer_is_read(talking: Talking, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Terminal(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:
            shown.append("reads")
            return super().readline(-1 if size is None else size)

    def observe(event: Event) -> None:
        if isinstance(event, NodeLog):
            shown.append(event.line)

    monkeypatch.setattr("sys.stdin", Terminal("nothing\n"))
    talking("ask", observe)
    assert shown == ["What? ", "reads", "You said nothing."]


def test_without_observers_nodes_print_as_they_would(talking: Talking, capsys: pytest.CaptureFixture[str]) -> None:
    talking("say", None)
    assert "to stdout s3cr3t-canary\n" in capsys.readouterr().out
