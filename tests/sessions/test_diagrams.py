"""Diagrams of sessions and what notebooks show: from what is recorded, whoever made it."""

import dataclasses
from collections.abc import Callable
from xml.etree import ElementTree as Xml

import pytest

from oneml.habitats import HabitatRegistry, PipelineServiceClient, PipelineSession, Reference, replace
from oneml.habitats.graph.drawing.diagram import Box, Diagram, Tone
from oneml.habitats.graph.drawing.plan_diagram import PlanView
from oneml.habitats.sessions import notebook
from oneml.habitats.sessions.diagrams import preview_diagram, preview_objects, session_diagram, session_objects

Clients = Callable[..., PipelineServiceClient]


def boxes(diagram: Diagram) -> dict[str, Box]:
    return {box.name: box for box in diagram.boxes}


def without_states(diagram: Diagram) -> list[Box]:
    """Return the boxes of a session that has not run as they are before there is one."""
    return [
        dataclasses.replace(box, lines=tuple(line for line in box.lines if "pending" not in line), states={})
        for box in diagram.boxes
    ]


@pytest.fixture
def troubled(new_client: Clients) -> PipelineSession:
    """A session in which a node failed twice, and one below it was skipped."""
    entries = {"//bad": {"retries": 1}}
    settings = {"kind": "raise", "nodes": entries}
    client = new_client({"TROUBLE_TOKEN": "s3cr3t"})
    with client.create_session("troubled", settings=settings) as session:
        assert not session.run().succeeded
    return session


def test_a_session_made_elsewhere_is_drawn_with_states_attempts_and_times(
    troubled: PipelineSession, new_client: Clients
) -> None:
    found = session_diagram(new_client().load_session(troubled.session_id))
    assert (found.subject, found.title) == ("session", "troubled")
    assert found.subtitle.split(" \N{MIDDLE DOT} ") == [f"session {troubled.session_id}", "failed", "in-process"]
    by_name = boxes(found)
    assert {name: box.tone for name, box in by_name.items()} == {
        "//bad": Tone.FAILED,
        "//after": Tone.SKIPPED,
        "//alone": Tone.SUCCEEDED,
    }
    assert by_name["//bad"].lines[-1].startswith("failed \N{MIDDLE DOT} attempt 2 \N{MIDDLE DOT} ")
    assert by_name["//alone"].seconds is not None


def test_a_session_that_has_not_run_is_pending_everywhere(client: PipelineServiceClient) -> None:
    with client.create_session("arithmetic") as session:
        found = session_diagram(session, PlanView(expand=True))
    assert {box.tone for box in found.boxes} == {Tone.PENDING, Tone.EDGE}


def test_the_engine_of_a_node_is_the_one_set_nearest_to_it(client: PipelineServiceClient) -> None:
    entries = {"//multiply": {"engine": "process"}, "//multiply/1": {"engine": "in-process"}}
    with client.create_session("arithmetic", settings={"nodes": entries}) as session:
        found = boxes(session_diagram(session, PlanView(expand=True)))
        folded = boxes(session_diagram(session))["//multiply"]
    engines = {name: box.engine for name, box in found.items() if name.startswith("//")}
    assert {name for name, engine in engines.items() if engine == "process"} == {"//multiply/0", "//multiply/2"}
    assert set(engines.values()) == {"process", "in-process"}
    assert folded.engine == ""


def test_objects_of_a_session_are_those_that_a_preview_tells(client: PipelineServiceClient) -> None:
    import session_pipelines

    target = session_pipelines.Arithmetic.client
    override = replace(target, provider=Reference(session_pipelines.Client, "session_pipelines:Client"))
    ahead = preview_objects(client.preview("arithmetic", override))
    with client.create_session("arithmetic", override) as session:
        created = session_objects(session)
        session.run()
        found = session_objects(session)
    assert (without_states(created), found.frames, found.links) == (list(ahead.boxes), ahead.frames, ahead.links)
    assert len(found.boxes) == len(ahead.boxes)
    assert boxes(found)["client"].overridden
    assert boxes(found)["client"].lines[-1] == "replaced by Client"
    assert boxes(ahead)["multiply"].lines[-1] == "runs //multiply"
    assert boxes(created)["multiply"].lines[-2:] == ("runs //multiply", "3 pending")
    states = boxes(found)["multiply"].lines[-3:]
    assert (states[:2], states[2].endswith(" s in all")) == (("runs //multiply", "3 ok"), True)
    assert boxes(found)["multiply"].states == {"succeeded": 3}


def test_objects_of_included_habitats_stand_in_their_frames(
    client: PipelineServiceClient, registry: HabitatRegistry
) -> None:
    registry.register("campaign", "included_pipelines:Campaign")
    registry.register("scaling", "ruler_pipelines:Scaling")
    ahead = preview_objects(client.preview("campaign"))
    with client.create_session("campaign") as session:
        found = session_objects(session)
    assert (without_states(found), found.frames, found.links) == (list(ahead.boxes), ahead.frames, ahead.links)
    parents = {frame.name: frame.parent for frame in found.frames}
    assert parents == {"//study": "", "//study/first": "//study", "//study/second": "//study"}
    assert all(link.source.partition(":")[0] == link.target.partition(":")[0] for link in found.links)
    assert {link.source.partition(":")[0] for link in found.links} >= {"//study/first", "//study/second"}


def test_a_preview_is_drawn_as_its_session_is_but_for_states(client: PipelineServiceClient) -> None:
    ahead = preview_diagram(client.preview("arithmetic"))
    with client.create_session("arithmetic") as session:
        found = session_diagram(session)
    assert [box.name for box in ahead.boxes] == [box.name for box in found.boxes]
    assert sorted(map(str, ahead.links)) == sorted(map(str, found.links))


def test_a_notebook_shows_a_session_as_text_picture_and_table(troubled: PipelineSession) -> None:
    bundle = troubled._repr_mimebundle_(include=None, exclude=None)
    assert list(bundle) == ["text/plain", "text/html", "image/svg+xml"]
    assert bundle["text/plain"].startswith(f"troubled: session {troubled.session_id}")
    svg, _, table = bundle["text/html"].rpartition("</svg>")
    assert f"{svg}</svg>\n" == bundle["image/svg+xml"]
    rows = Xml.fromstring(f"<div>{table}</div>").findall("table/tr")  # noqa: S314  # it is our own
    assert [[cell.text or "" for cell in row][:3] for row in rows[1:]] == [
        ["//bad", "failed", "2"],
        ["//after", "skipped", ""],
        ["//alone", "succeeded", "1"],
    ]


def test_a_table_of_many_nodes_ends_with_how_many_more_there_are(
    client: PipelineServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "ROWS_MAX", 2)
    monkeypatch.setattr(notebook, "BOXES_MAX", 2)
    with client.create_session("arithmetic") as session:
        bundle = session._repr_mimebundle_()
    assert list(bundle) == ["text/plain", "text/html"]
    assert bundle["text/html"].endswith("<p>5 more nodes.</p>")


def test_a_notebook_shows_a_pipeline_and_a_container_as_pictures(client: PipelineServiceClient) -> None:
    import session_pipelines

    pipeline = client.preview("arithmetic")._repr_mimebundle_()
    assert pipeline["text/plain"] == "arithmetic (session_pipelines:Arithmetic): 7 nodes"
    assert "//multiply" in pipeline["image/svg+xml"]
    with session_pipelines.Arithmetic.open() as components:
        container = components._repr_mimebundle_()
    assert container["text/plain"].startswith("<Arithmetic: Session ")
    assert "session.start" in container["image/svg+xml"]
