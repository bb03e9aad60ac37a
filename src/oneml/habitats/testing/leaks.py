"""What a test leaves behind that others would meet: found, undone and told."""

import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from weakref import WeakKeyDictionary

from oneml.habitats.errors import LeftBehindError
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.finalizers import next_order, open_scopes
from oneml.habitats.habitats.provider_graph import overriding_of, reached_providers, restore_override
from oneml.habitats.habitats.providers import AnyProvider
from oneml.habitats.habitats.source_places import SourcePlaces

_OURS = "ONEML_"


class _Watched(NamedTuple):
    """What is looked at of a class: all that it refers to, as long as it declares the same."""

    declares: Mapping[str, AnyProvider]
    providers: tuple[AnyProvider, ...]


class Standing(NamedTuple):
    """What stands outside of containers at some moment.

    Attributes:
        variables: The variables of ours.
        order: Of the next session that is opened.
        sessions: The sessions that have something to finalize, by identity.
    """

    variables: Mapping[str, str]
    order: int
    sessions: Mapping[int, str]

    @classmethod
    def now(cls) -> "Standing":
        """Return what stands now."""
        variables = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
        return cls(variables, next_order(), open_scopes())


class LeakCheck:
    """Finds what a test has left behind, and undoes it."""

    def __init__(self) -> None:
        self._watched: WeakKeyDictionary[type[PipelineComponents], _Watched] = WeakKeyDictionary()

    def at_end(self, test: str, *, before: Standing, after: Standing) -> None:
        """Undo what is left when the fixtures have ended.

        Args:
            test: Its name.
            before: What stood before the test itself, and after its fixtures were set up.
            after: What stood when it had passed, before its fixtures ended.

        Raises:
            LeftBehindError: Something was.
        """
        left = [*self._overrides(), *_environment(before.variables, after.variables), *_sessions(before, after)]
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
                    restore_override(provider, declared.get(provider))

    def _watched_in(self, container: type[PipelineComponents]) -> tuple[AnyProvider, ...]:
        known = self._watched.get(container)
        if known is None or known.declares != container.providers:
            known = _Watched(dict(container.providers), tuple(reached_providers(container)))
            self._watched[container] = known
        return known.providers


def _environment(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Put back variables that the test itself has changed, where no fixture did."""
    for name in sorted({**before, **after}):
        if after.get(name) != before.get(name) and os.environ.get(name) == after.get(name):
            yield f"the variable {name}. It is as before now: set it by monkeypatch.setenv."
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


def _sessions(before: Standing, after: Standing) -> Iterator[str]:
    standing = open_scopes(before.order)
    for key, name in after.sessions.items():
        if standing.get(key) == name:
            yield f"{name}, open with what it has to finalize: close it, or open it by open_components."


def _containers(base: type[PipelineComponents]) -> Iterator[type[PipelineComponents]]:
    """Give every class of containers that other tests can meet: not one that is made inside a function."""
    for container in base.__subclasses__():
        if "<locals>" not in container.__qualname__:
            yield container
        yield from _containers(container)
