"""A builder over fake executables, whose providers hold a body: a class with ``__call__``, or a function."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple, cast

import pytest

from oneml.habitats.errors import InvalidExecutableError, InvalidInclusionError, InvalidPipelineError
from oneml.habitats.graph.builder import PipelineBuilder
from oneml.habitats.ports.executables import Executable
from oneml.habitats.values.include_paths import provider_key
from oneml.habitats.values.node_path import ROOT, NodePath
from oneml.habitats.values.place import Place


class FakeProvider(NamedTuple):
    """Says what it would give, and gives nothing."""

    body: object


class FakeExecutables:
    """Knows what the fake providers hold; a function that defines a pipeline stands for a habitat."""

    def __init__(self, path: NodePath = ROOT) -> None:
        self.path = path
        self.bound: dict[NodePath, object] = {}

    def bind(self, path: NodePath, provider: object) -> Executable:
        if not isinstance(provider, FakeProvider):
            raise InvalidExecutableError(node=path, provider=repr(provider), reason="it is no provider.")
        self.bound[path] = provider
        body = cast("Any", provider.body)
        if isinstance(body, type):
            return Executable(provider_key(self.path, body.__name__.lower()), body.__call__, bound=False)
        return Executable(provider_key(self.path, body.__name__), body, bound=True)

    def paths(self) -> Collection[NodePath]:
        return self.bound.keys()

    def include(self, path: NodePath, habitat: object, settings: object, place: Place) -> "FakeHabitat":
        del settings, place
        if not callable(habitat):
            raise InvalidInclusionError(path=path, reason=f"{habitat!r} is no habitat.")
        return FakeHabitat(habitat.__name__, FakeExecutables(path), cast("Any", habitat))


class FakeHabitat(NamedTuple):
    """A habitat whose pipeline is defined by a function."""

    name: str
    executables: FakeExecutables
    define: Callable[[Any], None]


@pytest.fixture
def give() -> Callable[[object], Any]:
    """Make a provider of a body."""
    return FakeProvider


@pytest.fixture
def executables() -> FakeExecutables:
    return FakeExecutables()


@pytest.fixture
def pipeline(executables: FakeExecutables) -> PipelineBuilder:
    return PipelineBuilder(executables, name="a-pipeline")


@pytest.fixture
def other_pipeline() -> PipelineBuilder:
    return PipelineBuilder(FakeExecutables(), name="another-pipeline")


@pytest.fixture
def problems(pipeline: PipelineBuilder) -> Callable[[], list[str]]:
    """Build the pipeline, and return what is wrong with it in the order of lines."""

    def find() -> list[str]:
        with pytest.raises(InvalidPipelineError) as caught:
            pipeline.build()
        return [problem.message for problem in caught.value.problems]

    return find
