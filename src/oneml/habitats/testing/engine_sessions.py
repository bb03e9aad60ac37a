"""The sessions by which engines are held against their contract: where their code lies, and who finds it."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.ports.engine import Capability
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.run_result import RunResult
from oneml.habitats.sessions.session import PipelineSession
from oneml.habitats.settings.sources import ProcessSources

PIPELINES = Path(__file__).with_name("engine_pipelines.py")
"""What runs on the engine, for workers to import."""

HABITATS = ("contract", "passing", "including", "failing", "sleeping", "urgent", "remote")

SECRET = "s3cr3t-canary"
PATIENCE_SECONDS = 30.0
"""Nothing may hang longer."""

NewSession = Callable[..., PipelineSession]


def states(session: PipelineSession) -> Mapping[str, str]:
    """Return the states of all nodes by path."""
    return {path: row.state.value for path, row in session.node_rows().items()}


def run_and_stop(session: PipelineSession, runs: Callable[[str], int]) -> RunResult:
    """Run a session of sleeping nodes, and stop it as soon as another body has begun.

    Args:
        session: The session.
        runs: Tells how many bodies of a name have begun.
    """
    begun = runs("sleep")

    def stop() -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while runs("sleep") == begun and time.monotonic() < give_up_at:
            time.sleep(0.05)
        session.stop()

    thread = threading.Thread(target=stop)
    thread.start()
    result = session.run()
    thread.join()
    return result


class EngineSessions:
    """What the parts of the suite share."""

    KILLS_WORKERS: ClassVar[bool] = True
    """Whether a body that ends its process ends that worker alone, and not the driver or other nodes."""

    HURRIED: ClassVar[Mapping[str, object]] = {}
    """Options that make the engine give up soon on nodes that no worker may take."""

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        raise NotImplementedError

    @pytest.fixture
    def site(self, tmp_path: Path) -> Path:
        """Where workers find modules, and the driver does not; one place for all tests where workers outlive them."""
        site = tmp_path / "site"
        site.mkdir()
        return site

    @pytest.fixture
    def module(self, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The module of the pipelines as workers find it, for tests to change; the driver has a copy of its own."""
        module = site / "pipelines_of_contract.py"  # no name that is found elsewhere
        shutil.copy(PIPELINES, module)
        ours = tmp_path / "driver"
        ours.mkdir()
        shutil.copy(PIPELINES, ours / module.name)
        for name in [name for name in os.environ if name.startswith("ONEML_")]:
            monkeypatch.delenv(name)
        monkeypatch.delitem(sys.modules, module.stem, raising=False)
        monkeypatch.syspath_prepend(str(ours))  # pyright: ignore[reportUnknownMemberType]  # as pytest types it
        monkeypatch.setenv("PYTHONPATH", str(site))
        monkeypatch.setenv("CONTRACT_TOKEN", SECRET)
        return module

    @pytest.fixture
    def new_session(self, module: Path, tmp_path: Path, settings: Mapping[str, Any]) -> NewSession:
        registry = HabitatRegistry(search_path=[])
        for name in HABITATS:
            registry.register(name, f"{module.stem}:{name.capitalize()}")
        sources = ProcessSources(environ=dict(os.environ), working_directory=tmp_path)
        client = PipelineServiceClient(store=(tmp_path / "store").as_uri(), registry=registry, sources=sources)

        def make(habitat: str, **more: Any) -> PipelineSession:
            return client.create_session(habitat, settings={"folder": str(tmp_path / "runs"), **settings, **more})

        return make

    @pytest.fixture
    def runs(self, tmp_path: Path) -> Callable[[str], int]:
        def count(name: str) -> int:
            place = tmp_path / "runs" / name
            return len(list(place.iterdir())) if place.exists() else 0

        return count

    def has(self, settings: Mapping[str, Any], capability: Capability) -> bool:
        return capability in EngineRegistry().by_name(settings["engine"]).capabilities

    def hurried(self, settings: Mapping[str, Any]) -> Mapping[str, Mapping[str, object]]:
        """Return the options of a session that gives up soon on nodes that no worker may take."""
        engine = settings["engine"]
        return {engine: {**settings.get("engines", {}).get(engine, {}), **self.HURRIED}}
