"""What a test leaves behind that others would meet: found, undone and told."""

import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from weakref import WeakKeyDictionary

from oneml.habitats.errors import LeftBehindError
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.finalizers import next_order, open_scopes
from oneml.habitats.habitats.provider_graph import overriding_of, own_declarations, reached_providers, restore_override
from oneml.habitats.habitats.providers import AnyProvider
from oneml.habitats.habitats.source_places import SourcePlaces

_OURS = "ONEML_"


class _Watched(NamedTuple):
    """What is looked at of a class: all that it refers to, as long as it declares the same."""

    declares: list[Mapping[str, AnyProvider]]
    providers: tuple[AnyProvider, ...]


class Standing(NamedTuple):
    """What stands outside of containers at some moment.

    Attributes:
        variables: The variables of ours.
        order: Of the next session that is opened.
        sessions: The sessions that have something to finalize, by identity.
        declared: What each class of containers declares itself.
    """

    variables: Mapping[str, str]
    order: int
    sessions: Mapping[int, str]
    declared: Mapping[type[PipelineComponents], Mapping[str, AnyProvider]]

    @classmethod
    def now(cls) -> "Standing":
        """Return what stands now."""
        variables = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
        declared = {container: dict(container.cls_providers) for container in _containers(PipelineComponents)}
        return cls(variables, next_order(), open_scopes(), declared)


class LeakCheck:
    """Finds what a test has left behind, and undoes it."""

    def __init__(self) -> None:
        self._watched: WeakKeyDictionary[type[PipelineComponents], _Watched] = WeakKeyDictionary()

    def at_end(self, test: str, *, started: Standing | None, before: Standing, after: Standing) -> None:
        """Undo what is left when the fixtures have ended.

        Args:
            test: Its name.
            started: What stood before its fixtures were set up; None where no container had been imported.
            before: What stood before the test itself, and after its fixtures were set up.
            after: What stood when it had ended, before its fixtures did.

        Raises:
            LeftBehindError: Something was.
        """
        left = [
            *_declarations(before.declared, after.declared),
            *self._overrides(),
            *_environment({} if started is None else started.variables, before.variables, after.variables),
            *_sessions(before, after),
        ]
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
        known, declares = self._watched.get(container), own_declarations(container)
        if known is None or known.declares != declares:
            known = _Watched([dict(own) for own in declares], tuple(reached_providers(container)))
            self._watched[container] = known
        return known.providers


def _declarations(
    before: Mapping[type[PipelineComponents], Mapping[str, AnyProvider]],
    after: Mapping[type[PipelineComponents], Mapping[str, AnyProvider]],
) -> Iterator[str]:
    """Put back the attributes of classes that the test itself has changed, where no fixture did."""
    for container, declared in before.items():
        changed = after.get(container, declared)
        for name in sorted({**declared, **changed}):
            set_by_test = changed.get(name)
            if set_by_test is declared.get(name) or container.cls_providers.get(name) is not set_by_test:
                continue
            yield (
                f"the attribute {name} of the class {container.__name__}. It is as before now: give "
                f"replace({container.__name__}.{name}, ...), or set it by monkeypatch.setattr."
            )
            if name in declared:
                setattr(container, name, declared[name])
            else:
                delattr(container, name)


def _environment(started: Mapping[str, str], before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Put back variables that the test itself has changed, where no fixture did."""
    for name in sorted({**before, **after}):
        now = os.environ.get(name)
        # What a fixture set, and the test took away, is not there either when the fixture has ended.
        if after.get(name) != before.get(name) and now == after.get(name) != started.get(name):
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
