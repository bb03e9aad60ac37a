"""A builder over fake executables, whose providers hold a body: a class with ``__call__``, or a function."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple, cast

import pytest

from oneml.habitats.errors import InvalidExecutableError, InvalidPipelineError
from oneml.habitats.graph.builder import PipelineBuilder
from oneml.habitats.ports.executables import Executable
from oneml.habitats.values.node_path import NodePath


class FakeProvider(NamedTuple):
    """Says what it would give, and gives nothing."""

    body: object


class FakeExecutables:
    """Knows what the fake providers hold."""

    def __init__(self) -> None:
        self.bound: dict[NodePath, object] = {}

    def bind(self, path: NodePath, provider: object) -> Executable:
        if not isinstance(provider, FakeProvider):
            raise InvalidExecutableError(node=path, provider=repr(provider), reason="it is no provider.")
        self.bound[path] = provider
        body = cast("Any", provider.body)
        if isinstance(body, type):
            return Executable(body.__name__.lower(), body.__call__, bound=False)
        return Executable(body.__name__, body, bound=True)

    def paths(self) -> Collection[NodePath]:
        return self.bound.keys()


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
