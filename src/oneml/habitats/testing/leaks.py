"""What a test leaves behind that others would meet: found, undone and told."""

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from oneml.habitats.errors import LeftBehindError
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.finalizers import open_scopes
from oneml.habitats.habitats.provider_graph import Overriding, overriding_of, reached_providers
from oneml.habitats.habitats.providers import AnyProvider
from oneml.habitats.habitats.source_places import SourcePlaces

_OURS = "ONEML_"


class _Watched(NamedTuple):
    """What is looked at of a class: all that it refers to, as long as it declares the same."""

    declares: Mapping[str, AnyProvider]
    providers: tuple[AnyProvider, ...]


class LeakCheck:
    """Holds what stands after a test against what stood before it."""

    def __init__(self) -> None:
        self._watched: WeakKeyDictionary[type[PipelineComponents], _Watched] = WeakKeyDictionary()
        self._variables: Mapping[str, str] = {}
        self._scopes: Mapping[int, str] = {}
        self._changed: Mapping[str, str | None] = {}
        self._opened: Mapping[int, str] = {}

    def before(self) -> None:
        """Note what a test finds, its fixtures included."""
        self._variables = _variables()
        self._scopes = open_scopes()

    def after(self) -> None:
        """Note what the test itself has changed, before its fixtures undo it."""
        now = _variables()
        before = self._variables
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        self._changed = {name: now.get(name) for name in names}
        self._opened = {key: name for key, name in open_scopes().items() if key not in self._scopes}

    def at_end(self, test: str) -> None:
        """Undo what is left when the fixtures have ended.

        Args:
            test: Its name.

        Raises:
            LeftBehindError: Something was.
        """
        left = [*self._overrides(), *self._environment(), *self._sessions()]
        self._changed, self._opened = {}, {}
        if left:
            raise LeftBehindError(left=left, test=test)

    def _overrides(self) -> Iterator[str]:
        for container in _containers(PipelineComponents):
            declared = container.declared_overrides()
            watched = self._watched_in(container)
            if any(overriding_of(provider) is not declared.get(provider) for provider in watched):
                places = SourcePlaces(container)
                for name in container.blueprint().overridden_since():
                    provider = container.blueprint().node(name).provider
                    yield (
                        f"{container.__name__}.{name} ({places.of(name) or container.__module__}), overridden for "
                        f"everybody by {overriding_of(provider)!r:.200}. It is undone now: give "
                        f"replace({container.__name__}.{name}, ...) to open_components or new_session, or undo it."
                    )
                for provider in watched:
                    _undo(provider, declared)
                _reset_singletons(container)

    def _watched_in(self, container: type[PipelineComponents]) -> tuple[AnyProvider, ...]:
        known = self._watched.get(container)
        if known is None or known.declares != container.providers:
            known = _Watched(dict(container.providers), tuple(reached_providers(container)))
            self._watched[container] = known
        return known.providers

    def _environment(self) -> Iterator[str]:
        for name, value in self._changed.items():
            if os.environ.get(name) == value:
                yield f"the variable {name}, which is as before now: set it by monkeypatch.setenv."
                os.environ.pop(name, None)
                if name in self._variables:
                    os.environ[name] = self._variables[name]

    def _sessions(self) -> Iterator[str]:
        standing = open_scopes()
        for key, name in self._opened.items():
            if standing.get(key) == name:
                yield f"{name}, open with what it has to finalize: close it, or open it by open_components."


def _variables() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_OURS)}


def _containers(base: type[PipelineComponents]) -> Iterator[type[PipelineComponents]]:
    for container in base.__subclasses__():
        yield container
        yield from _containers(container)


def _reset_singletons(container: type[PipelineComponents]) -> None:
    """Forget what the class itself has built, as the library does where its providers are called."""
    library: Any = container  # type checkers see a base without the library's own methods
    library.reset_singletons()


def _undo(provider: AnyProvider, declared: Overriding) -> None:
    """Let on a provider stand only what the class declares."""
    library: Any = provider  # its stub knows nothing of `overridden`
    wanted = declared.get(provider)
    if overriding_of(provider) is wanted:
        return
    while library.overridden and library.overridden[-1] is not wanted:
        library.reset_last_overriding()
    if wanted is not None and not library.overridden:
        library.override(wanted)
