"""A client with a store of its own, and habitats that workers can import."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from oneml.habitats import HabitatRegistry, PipelineServiceClient
from oneml.habitats.ports.engine import Engine
from oneml.habitats.settings.sources import ProcessSources

IMPORTABLE = Path(__file__).parent / "importable"

Clients = Callable[..., PipelineServiceClient]


@pytest.fixture
def registry() -> HabitatRegistry:
    registry = HabitatRegistry(search_path=[])
    registry.register("arithmetic", "session_pipelines:Arithmetic")
    registry.register("troubled", "session_pipelines:Troubled")
    registry.register("sleepy", "session_pipelines:Sleepy")
    registry.register("with-inputs", "session_pipelines:WithInputs")
    return registry


@pytest.fixture
def new_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: HabitatRegistry) -> Clients:
    """Make clients of one store, each with the environment that it is given and no settings files."""
    monkeypatch.syspath_prepend(str(IMPORTABLE))
    monkeypatch.setenv("PYTHONPATH", str(IMPORTABLE))
    for name in [name for name in os.environ if name.startswith("ONEML_")]:
        monkeypatch.delenv(name)

    def make(
        environ: Mapping[str, str] | None = None, *, store: str | None = None, engines: Sequence[Engine] = ()
    ) -> PipelineServiceClient:
        sources = ProcessSources(environ=dict(environ or {}), working_directory=tmp_path)
        store = store or (tmp_path / "store").as_uri()
        return PipelineServiceClient(store=store, registry=registry, sources=sources, engines=engines)

    return make


@pytest.fixture
def client(new_client: Clients) -> PipelineServiceClient:
    return new_client()
