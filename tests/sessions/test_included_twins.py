"""One habitat included in several ways: whose settings and objects its nodes get, and what changes with them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from oneml.habitats import HabitatRegistry, PipelineServiceClient, PipelineSession
from oneml.habitats.errors import UnknownHabitatError
from oneml.habitats.settings.sources import CommandLineSettings


@pytest.fixture(autouse=True)
def _registered(registry: HabitatRegistry) -> None:
    for name in ("Twin", "Twins", "Left", "Right", "Tree"):
        registry.register(name.lower(), f"twin_pipelines:{name}")


def ran(session: PipelineSession) -> Mapping[str, Any]:
    with session:
        assert session.run().succeeded
        return session.outputs()


def words(text: str) -> Sequence[str]:
    """Return url, factor, extra and rows: all but what tells the connection."""
    url, _, *others = text.split()
    return [url, *others]


def fingerprints(client: PipelineServiceClient, **given: Any) -> Mapping[str, object]:
    session = client.create_session("twins", **given)
    session.close()
    with client.session("twins", session.session_id) as worker:
        return {path: worker.prove(path).fingerprint for path in worker.plan.nodes}


def test_same_class_through_different_parents_has_the_settings_of_each(client: PipelineServiceClient) -> None:
    entries = {"//left/twin": {"factor": 50}, "//many": {"extra": 1}, "//many/work/0": {"extra": 2}}
    found = ran(client.create_session("tree", settings={"nodes": entries}))
    assert words(found["left"]) == ["a", "50", "0", "0"]
    assert words(found["right"]) == ["a", "6", "9", "0"]
    assert [words(text) for text in found["many"]] == [["a", "1", "2", "1"], ["a", "1", "1", "2"]]


def test_objects_of_the_process_are_shared_among_includes_of_a_class(client: PipelineServiceClient) -> None:
    found = ran(client.create_session("twins"))
    assert found["one"].split()[1] == found["two"].split()[1]


@pytest.mark.parametrize(("field", "changed"), [("factor", {"//one/work", "//one/preset"}), ("extra", {"//one/work"})])
def test_fingerprints_change_with_what_the_author_or_the_session_sets(
    client: PipelineServiceClient, monkeypatch: pytest.MonkeyPatch, field: str, changed: set[str]
) -> None:
    import twin_pipelines  # found by then

    before = fingerprints(client)
    monkeypatch.setitem(twin_pipelines.ONE, field, 40)
    after = fingerprints(client)
    assert {path for path, fingerprint in before.items() if after[path] != fingerprint} == changed
    monkeypatch.undo()
    entry = fingerprints(client, settings={"nodes": {"//one": {field: 40}}})
    assert {path for path, fingerprint in before.items() if entry[path] != fingerprint} == {
        "//one/work",
        "//one/preset",
    }


def test_entry_at_the_include_path_beats_what_an_author_presets_for_a_node(client: PipelineServiceClient) -> None:
    line = CommandLineSettings(assignments=["//one:extra=4"])
    with client.create_session("twins", command_line=line) as session:
        assert session.run().succeeded
        assert words(session.output("//one/preset", form=str)) == ["a", "2", "4", "0"]
        assert words(session.output("//two/preset", form=str)) == ["a", "3", "7", "0"]


def test_scope_of_an_included_node_is_one_of_its_own_container(client: PipelineServiceClient) -> None:
    with client.create_session("twins", settings={"nodes": {"//one/work": {"extra": 6}}}) as session:
        components = session.open().components
        with components.node("//one/work") as node:
            assert type(node).__name__ == "Twin"
            work = node.work()
            assert (work.held.factor, work.extra) == (2, 6)
        with components.node("//two/work") as node:
            assert node.work().held.factor == 3


def test_changing_a_habitat_that_is_not_included_is_refused_with_those_that_are(
    client: PipelineServiceClient,
) -> None:
    with client.create_session("twins") as session:
        with pytest.raises(UnknownHabitatError, match=r'No habitat "twinn"\. Known: twin, twins'):
            session.revise({"extra": 9}, habitat="twinn")
        assert session.revise({"extra": 9}, habitat="twin").nodes == ("//two/work",)
    with client.session("twins", session.session_id) as worker:
        assert worker.prove("//two/work").revision == 1
