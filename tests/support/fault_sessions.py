"""Sessions of the pipeline of faults, in a store of the test's own."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from fault_pipelines import runs_of
from oneml.habitats import HabitatRegistry, PipelineServiceClient, PipelineSession
from oneml.habitats.sessions.run_result import RunResult
from oneml.habitats.settings.sources import ProcessSources

PATIENCE_SECONDS = 60.0


class FaultSessions:
    """Creates sessions.

    Args:
        place: Holds the store, and ``runs``, where bodies leave what they did.
    """

    def __init__(self, place: Path) -> None:
        self.folder = place / "runs"
        registry = HabitatRegistry(search_path=[])
        registry.register("faults", "fault_pipelines:Faults")
        sources = ProcessSources(environ={}, working_directory=place)
        self._client = PipelineServiceClient(store=(place / "store").as_uri(), registry=registry, sources=sources)

    def __call__(self, *hows: str, options: Mapping[str, Any] | None = None, **settings: Any) -> PipelineSession:
        """Create one, on Dask unless settings name another engine.

        Args:
            hows: The faults.
            options: Of the engine.
            settings: Whatever else is set.
        """
        told = {"engine": "dask", "engines": {"dask": options or {}}, "folder": str(self.folder), "hows": list(hows)}
        return self._client.create_session("faults", settings={**told, **settings})


def states(session: PipelineSession) -> dict[str, str]:
    """Return the states of the nodes by name."""
    return {path.removeprefix("//"): row.state.value for path, row in session.node_rows().items()}


def wait_for_runs(folder: Path, node: str, count: int = 1) -> list[psutil.Process]:
    """Wait until a body has begun as often, and return the processes in order."""
    until = time.monotonic() + PATIENCE_SECONDS
    while len(pids := runs_of(folder, node)) < count:
        assert time.monotonic() < until, f"{node} has begun {len(pids)} times only"
        time.sleep(0.02)
    return [psutil.Process(pid) for pid in pids]


class Driven:
    """A session that a thread runs.

    Args:
        session: It.
    """

    def __init__(self, session: PipelineSession) -> None:
        self._session = session
        self._result: RunResult | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> RunResult:
        """Wait for its end; raise what it raised."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the session does not end"
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._session.run()
        except BaseException as error:  # noqa: BLE001  # raised where somebody waits
            self._error = error
