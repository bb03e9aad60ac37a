"""The smallest habitat, run."""

import pytest

from hello_world_demo import Greet, HelloWorld, Shout
from oneml.habitats import PipelineNodeSettings, PipelineSessionSettings
from oneml.habitats.testing import NewSession, RunNode


def test_bodies_run_without_a_pipeline() -> None:
    assert Shout()(text=Greet(greeting="Hello")()) == "HELLO, WORLD!"


def test_a_node_runs_with_its_settings(run_node: RunNode) -> None:
    assert run_node(HelloWorld, "//a", settings={"nodes": {"//a": {"greeting": "Hej"}}}) == "Hej, world!"


def test_b_shouts_what_a_greeted(new_session: NewSession) -> None:
    session = new_session(HelloWorld)
    assert session.run().succeeded
    assert session.output("//a") == "Hello, world!"
    assert session.outputs() == {"text": "HELLO, WORLD!"}


def test_session_overrides_the_process_and_the_node_the_session(
    new_session: NewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELLO_WORLD_DEMO_GREETING", "Salut")
    on_node = PipelineSessionSettings(
        fields={"greeting": "Ciao"}, nodes={"//a": PipelineNodeSettings(fields={"greeting": "Hej"})}
    )
    seen: list[object] = []
    for settings in (None, {"greeting": "Ciao"}, on_node):
        session = new_session(HelloWorld, settings=settings)
        assert session.run().succeeded
        seen.append(session.output("//a"))
    assert seen == ["Salut, world!", "Ciao, world!", "Hej, world!"]


def test_two_sessions_at_once_do_not_touch(new_session: NewSession) -> None:
    one, two = (new_session(HelloWorld, settings={"greeting": greeting}) for greeting in ("One", "Two"))
    assert one.run_node("//a").state == two.run_node("//a").state == "succeeded"
    assert (one.output("//a"), two.output("//a")) == ("One, world!", "Two, world!")
