"""What the fixtures do: opens containers, creates sessions and runs nodes for one test, and ends all of it."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from oneml.habitats.engines.registry import EngineRegistry
from oneml.habitats.errors import LeftBehindError, NotAHabitatError
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.entry import own_target
from oneml.habitats.habitats.finalizers import call_all
from oneml.habitats.habitats.overrides import Override
from oneml.habitats.habitats.process_objects import separate_process_objects
from oneml.habitats.habitats.registry import HabitatRegistry
from oneml.habitats.ports.engine import Engine
from oneml.habitats.sessions.builder_factory import define_components
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.means import Means
from oneml.habitats.sessions.preparation import prepare
from oneml.habitats.sessions.selection import Paths
from oneml.habitats.sessions.session import PipelineSession
from oneml.habitats.settings.models import PipelineSessionSettings
from oneml.habitats.settings.resolve import resolve_settings
from oneml.habitats.settings.variables import prefix_of
from oneml.habitats.testing.node_bodies import NodeBodies
from oneml.habitats.testing.surroundings import Surroundings
from oneml.habitats.values.session_id import new_session_id

STOP_SECONDS = 10.0
"""How long a session that a test has left running is waited for."""

_NAME_MAX_CHARACTERS = 56


class Kit:
    """Everything that one test has open. Objects that live as long as the process live as long as the test.

    Args:
        surroundings: What the test finds around it.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._registry = HabitatRegistry()
        self._names: dict[type[PipelineComponents], str] = {}
        process = separate_process_objects()
        process.__enter__()
        self._ends: list[Callable[[], object]] = [partial(process.__exit__, None, None, None)]

    def open_components(
        self,
        habitat: type[PipelineComponents] | str,
        /,
        *overrides: Override,
        settings: PipelineSessionSettings | Mapping[str, object] | None = None,
    ) -> Any:
        """Open a container; see `OpenComponents`, which says of which class it is."""
        name, container = self._named(habitat)
        sources = self._surroundings.sources()
        effective = resolve_settings(container.settings_model(), habitat=name, session=settings, sources=sources)
        components = container.open(settings=effective, overrides=overrides)
        self._ends.append(components.close)
        return components

    def new_session(
        self,
        habitat: type[PipelineComponents] | str,
        /,
        *overrides: Override,
        settings: PipelineSessionSettings | Mapping[str, object] | None = None,
        inputs: Mapping[str, object] | None = None,
        engine: Engine | str | None = None,
        start_at: Paths = (),
        stop_at: Paths = (),
        only: Paths = (),
        parent: str | None = None,
    ) -> PipelineSession:
        """Create a session; see `NewSession`."""
        name, _ = self._named(habitat)
        if engine is None or isinstance(engine, str):
            client = self.service_client()
        else:
            client = self.service_client(engine)
            engine = engine.name
        session = client.create_session(
            name,
            *overrides,
            settings=_with_engine(settings, engine),
            inputs=inputs,
            start_at=start_at,
            stop_at=stop_at,
            only=only,
            parent=parent,
        )
        self._ends.append(partial(_end, session))
        return session

    def run_node(
        self,
        habitat: type[PipelineComponents] | str,
        path: str,
        /,
        *overrides: Override,
        inputs: Mapping[str, object] | None = None,
        settings: PipelineSessionSettings | Mapping[str, object] | None = None,
        form: object = object,
    ) -> Any:
        """Run the body of one node; see `RunNode`, which says of which type its result is."""
        name, _ = self._named(habitat)
        means = Means(
            registry=self._registry,
            builder_factory=define_components,
            sources=self._surroundings.sources(),
            engine_registry=EngineRegistry(()),
            store_is_shared=False,
            revise=lambda _, resolved: resolved,
        )
        prepared = prepare(
            name,
            means,
            session_id=new_session_id(),
            settings=settings,
            command_line=None,
            overrides=overrides,
            signing_key=None,
            runs_here=True,
        )
        self._ends.append(prepared.components.close)
        return NodeBodies(prepared, self.service_client()).run(path, {} if inputs is None else inputs, form)

    def service_client(self, *engines: Engine) -> PipelineServiceClient:
        """Return a client of the store of this test."""
        self._surroundings.show_imports()
        return PipelineServiceClient(registry=self._registry, sources=self._surroundings.sources(), engines=engines)

    def close(self) -> None:
        """End everything, what was opened last first, whatever fails.

        Raises:
            LeftBehindError: A session was left running.
            BaseExceptionGroup: What was raised on the way, where it was more than one error.
        """
        call_all(self._ending(), "Ending what the test had open failed")

    def _ending(self) -> Iterator[Callable[[], object]]:
        while self._ends:
            yield self._ends.pop()

    def _named(self, habitat: type[PipelineComponents] | str) -> tuple[str, type[PipelineComponents]]:
        """Return name and class of a habitat; a class that no installed habitat leads to is registered."""
        if isinstance(habitat, str):
            name, container = habitat, self._registry.load(habitat)
        elif not _is_container(habitat):
            name = getattr(habitat, "__name__", type(habitat).__name__)
            raise NotAHabitatError(name=name, target=f"{habitat!r:.200}", found="is no class of a container")
        else:
            name, container = self._names.get(habitat) or self._name_of(habitat), habitat
            self._names[habitat] = name
        self._surroundings.hide(prefix_of(container.settings_model()))
        return name, container

    def _name_of(self, container: type[PipelineComponents]) -> str:
        targets = {entry.name: entry.target for entry in self._registry.entries()}
        for name, target in targets.items():
            # Classes that a function makes are called alike, and are others each time.
            if target == own_target(container) and self._registry.load(name) is container:
                return name
        words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", container.__name__) or ["tested"]
        wanted = "-".join(words).lower()[:_NAME_MAX_CHARACTERS]
        name, number = wanted, 1
        while name in targets:
            number += 1
            name = f"{wanted}-{number}"
        self._registry.register(name, container)
        return name


def _is_container(given: object) -> bool:
    return isinstance(given, type) and issubclass(given, PipelineComponents)


def _with_engine(
    settings: PipelineSessionSettings | Mapping[str, object] | None, engine: str | None
) -> PipelineSessionSettings | Mapping[str, object] | None:
    if engine is None:
        return settings
    if isinstance(settings, PipelineSessionSettings):
        return settings.model_copy(update={"engine": engine})
    return {**(settings or {}), "engine": engine}


def _end(session: PipelineSession) -> None:
    if not session.is_running:
        session.close()
        return
    session.stop()
    deadline = time.monotonic() + STOP_SECONDS
    while session.is_running and time.monotonic() < deadline:
        time.sleep(0.01)
    session.close()
    ended = "It still runs a node" if session.is_running else "It is stopped now"
    what = f"session {session.session_id} of {session.habitat}, which a thread was running. {ended}: wait for `run`."
    raise LeftBehindError(left=[what])
