"""The published JSON Schemas, held against documents as sessions write them."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from oneml.habitats import HabitatRegistry, PipelineServiceClient, PipelineSession, Reference, replace
from oneml.habitats.settings.sources import ProcessSources

SCHEMAS = {name: json.loads((files("oneml.habitats") / "schemas" / f"{name}.json").read_text()) for name in (
    "code-1", "commit-1", "plan-1", "plan-shard-1", "recipe-1", "revision-1"
)}  # fmt: skip
PATTERNS: Mapping[str, str] = {
    "recipe-1": "sessions/*/recipe.json",
    "code-1": "sessions/*/recipe/code-*.json",
    "plan-1": "sessions/*/recipe/index-*.json",
    "plan-shard-1": "sessions/*/recipe/plan-*.json",
    "revision-1": "sessions/*/revisions/*.json",
    "commit-1": "sessions/*/nodes/*.commit.json",
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with sessions that use most of what documents can hold."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "sessions" / "importable"))
    registry = HabitatRegistry(search_path=[])
    registry.register("arithmetic", "session_pipelines:Arithmetic")
    registry.register("with-inputs", "session_pipelines:WithInputs")
    registry.register("troubled", "session_pipelines:Troubled")
    registry.register("study", "included_pipelines:Study")
    registry.register("scaling", "ruler_pipelines:Scaling")
    sources = ProcessSources(
        environ={"ONEML_SIGNING_KEY": "k" * 40, "TROUBLE_TOKEN": "s3cr3t-canary"}, working_directory=tmp_path
    )
    client = PipelineServiceClient(store=(tmp_path / "store").as_uri(), registry=registry, sources=sources)
    import session_pipelines

    def run(session: PipelineSession) -> None:
        with session:
            assert session.run(reuse=True).succeeded

    override = replace(
        session_pipelines.Arithmetic.client, provider=Reference(session_pipelines.Client, "session_pipelines:Client")
    )
    entries = {"//multiply": {"offset": 3}, "//multiply/0": {"retries": 1}}
    with client.create_session("arithmetic", override, settings={"nodes": entries}) as session:
        session.revise({"offset": 2, "retries": 3})
        assert session.run().succeeded
    run(client.create_session("arithmetic", override, settings={"nodes": entries}))
    run(client.create_session("with-inputs", inputs={"table": [1, 2]}))
    run(client.create_session("troubled"))
    with client.create_session("study", settings={"nodes": {"//first": {"token": "env:TROUBLE_TOKEN"}}}) as session:
        session.revise({"retries": 2})
        assert session.run().succeeded
    return tmp_path / "store"


def documents(store: Path, name: str) -> list[Any]:
    return [json.loads(file.read_bytes()) for file in store.glob(PATTERNS[name])]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_whatever_sessions_write_fits_its_schema(store: Path) -> None:
    for name, schema in SCHEMAS.items():
        found = documents(store, name)
        assert found, name
        for document in found:
            errors = [error.message for error in Draft202012Validator(schema).iter_errors(document)]
            assert errors == [], name


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_document_with_a_member_more_or_less_does_not_fit(store: Path, name: str) -> None:
    document = documents(store, name)[0]
    validator = Draft202012Validator(SCHEMAS[name])
    assert not validator.is_valid({**document, "more": 1})
    for required in SCHEMAS[name]["required"]:
        assert not validator.is_valid({key: value for key, value in document.items() if key != required}), required
