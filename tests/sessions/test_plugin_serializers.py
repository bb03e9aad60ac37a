"""Serializers of other distributions between nodes: where settings name them, in every process, and nowhere else."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from oneml.habitats import HabitatRegistry, PipelineServiceClient
from oneml.habitats.errors import UnknownSerializerError
from oneml.habitats.values.states import NodeState

SITE = Path(__file__).parents[1] / "data" / "plugin_site"
NAMED = {"serializers": {"output": "roman"}}
SETTINGS: Mapping[str, Mapping[str, object]] = {
    "of the session": {"nodes": {"//take": {"serializers": {"output": "json"}}}, **NAMED},
    "of a node, in workers": {"nodes": {"//give": NAMED}, "engine": "process", "workers": 1},
}


@pytest.fixture
def numbers(
    new_client: Callable[..., PipelineServiceClient], registry: HabitatRegistry, monkeypatch: pytest.MonkeyPatch
) -> PipelineServiceClient:
    client = new_client()
    monkeypatch.syspath_prepend(str(SITE))
    monkeypatch.setenv("PYTHONPATH", f"{SITE}{os.pathsep}{os.environ['PYTHONPATH']}")
    registry.register("numbers", "roman_pipelines:Numbers")
    return client


@pytest.mark.parametrize("named", SETTINGS)
def test_what_a_plugin_writes_is_read_by_nodes_and_drivers(numbers: PipelineServiceClient, named: str) -> None:
    from roman_numbers import Roman

    with numbers.create_session("numbers", settings=SETTINGS[named]) as session:
        result = session.run()
        assert result.succeeded, [row.detail for row in result.nodes.values()]
        assert session.outputs() == {"number": 16}
        assert session.ports("//give")["output"].serializer == "roman"
    assert numbers.load_session(session.session_id).output("//give", form=Roman) == Roman("XVI")


def test_what_the_settings_do_not_name_is_not_used(numbers: PipelineServiceClient) -> None:
    with numbers.create_session("numbers", settings=NAMED | {"nodes": {"//take": {"serializers": {}}}}) as session:
        record = session.run_node("//give").ports["output"]
    with numbers.create_session("numbers") as session:
        row = session.run().nodes["//give"]
        assert row.state is NodeState.FAILED
        assert "roman_numbers.Roman, which no serializer writes" in row.detail
        with pytest.raises(UnknownSerializerError, match="only where the settings name it"):
            session.open().carrying_client(10).load(record, object, what="it")
