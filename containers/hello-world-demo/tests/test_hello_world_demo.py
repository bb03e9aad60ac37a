"""The smallest habitat, run."""

import pytest

from hello_world_demo import Greet, Shout
from oneml.habitats import PipelineNodeSettings, PipelineServiceClient, PipelineSessionSettings

HABITAT = "hello-world-demo"


def test_bodies_run_without_a_pipeline() -> None:
    assert Shout()(text=Greet(greeting="Hello")()) == "HELLO, WORLD!"


def test_b_shouts_what_a_greeted(client: PipelineServiceClient) -> None:
    with client.create_session(HABITAT) as session:
        assert session.run().succeeded
        assert session.output("//a") == "Hello, world!"
        assert session.outputs() == {"text": "HELLO, WORLD!"}


def test_session_overrides_the_process_and_the_node_the_session(
    client: PipelineServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELLO_WORLD_DEMO_GREETING", "Salut")
    process = PipelineServiceClient()
    on_node = PipelineSessionSettings(
        fields={"greeting": "Ciao"}, nodes={"//a": PipelineNodeSettings(fields={"greeting": "Hej"})}
    )
    seen: list[object] = []
    for settings in (None, {"greeting": "Ciao"}, on_node):
        with process.create_session(HABITAT, settings=settings) as session:
            assert session.run().succeeded
            seen.append(session.output("//a"))
    assert seen == ["Salut, world!", "Ciao, world!", "Hej, world!"]


def test_two_sessions_at_once_do_not_touch(client: PipelineServiceClient) -> None:
    with (
        client.create_session(HABITAT, settings={"greeting": "One"}) as one,
        client.create_session(HABITAT, settings={"greeting": "Two"}) as two,
    ):
        assert one.run_node("//a").state == two.run_node("//a").state == "succeeded"
        assert (one.output("//a"), two.output("//a")) == ("One, world!", "Two, world!")
