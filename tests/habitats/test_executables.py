import asyncio
import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import pytest
from dependency_injector import containers, providers, resources

from oneml.habitats.errors import InvalidExecutableError, UnknownNodeError, UnknownProviderError
from oneml.habitats.graph.signature import body_signature
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.executables import PipelineExecutables, executable_of
from oneml.habitats.habitats.overrides import replace
from oneml.habitats.habitats.providers import NodeResource, NodeSingleton, Reference
from oneml.habitats.values.node_path import NodePath

Opener = Callable[..., Any]
T = TypeVar("T")
A = NodePath("//a")


class Greet:
    """A body."""

    def __init__(self, greeting: str = "Hello") -> None:
        self.greeting = greeting

    def __call__(self, name: str = "world") -> str:
        return f"{self.greeting}, {name}!"


class Polite(Greet):
    """A body that inherits its call."""


class Boxed(Generic[T]):
    """A generic body."""

    def __call__(self, item: int) -> str:
        return str(item)


class Statically:
    """A body whose call needs no self."""

    @staticmethod
    def __call__(name: str) -> str:
        return name


class Greets(Protocol):
    """A contract."""

    def __call__(self, name: str) -> str: ...


class Uncallable:
    """No body."""


def made() -> Greet:
    return Greet()


def unannotated():  # type: ignore[no-untyped-def]  # noqa: ANN201
    return Greet()


def gives_function() -> Callable[[], int]:
    return lambda: 3


def gives_unnamed() -> Callable[[int], int]:
    return lambda number: number


async def coroutine() -> Greet:
    return Greet()


def body(name: str) -> str:
    return name


def generated() -> Iterator[Greet]:
    yield Greet()


@contextmanager
def managed() -> Iterator[Greet]:
    yield Greet()


def entered() -> AbstractContextManager[Greet]:
    return nullcontext(Greet())


class Stock(resources.Resource[Greet]):
    """A resource whose object is a body."""

    def init(self, *args: Any, **kwargs: Any) -> Greet:
        return Greet()


class Inner(containers.DeclarativeContainer):
    """A stock container."""

    greet = providers.Factory(Greet)


class Bodies(PipelineComponents):
    factory = providers.Factory(Greet, "Hi")
    inherited = providers.Singleton(Polite)
    node_wide = NodeSingleton(Greet)
    by_function = providers.Factory(made)
    by_callable = providers.Callable(made)
    value = providers.Object(Greet())
    function = providers.Object(body)
    method = providers.Object(Greet().__call__)
    static = providers.Factory(Statically)
    reference = Reference(Greets, "absent:Greet")
    generic_reference = Reference(Boxed[int], "absent:Boxed")
    no_inputs = providers.Factory(gives_function)
    resource = NodeResource(generated)
    managed = providers.Resource(managed)
    entered = providers.Resource(entered)
    stock = providers.Resource(Stock)
    dependency = providers.Dependency(instance_of=Greet, default=Greet())
    inner = providers.Container(Inner)
    aggregate = providers.FactoryAggregate(one=providers.Factory(Greet))
    standing = providers.Factory(Greet)
    standing.override(providers.Factory(Polite))


INPUTS = {
    "factory": ["name"],
    "inherited": ["name"],
    "node_wide": ["name"],
    "by_function": ["name"],
    "by_callable": ["name"],
    "value": ["name"],
    "function": ["name"],
    "method": ["name"],
    "static": ["name"],
    "reference": ["name"],
    "generic_reference": ["item"],
    "no_inputs": [],
    "resource": ["name"],
    "managed": ["name"],
    "entered": ["name"],
    "stock": ["name"],
    "dependency": ["name"],
    "inner.greet": ["name"],
    "standing": ["name"],
}


@pytest.mark.parametrize("name", INPUTS)
def test_the_function_of_a_body_is_found_without_building_it(opened: Opener, name: str) -> None:
    bodies = opened(Bodies)
    provider = functools.reduce(getattr, name.split("."), bodies)
    executable = PipelineExecutables(bodies).bind(A, provider)
    signature = body_signature(executable.call, bound=executable.bound)
    assert executable.provider == name
    assert list(signature.inputs) == INPUTS[name]
    assert executable_of(bodies, name)[::2] == (name, executable.bound)


def test_a_member_of_an_aggregate_gives_a_body_under_a_name_that_workers_know(opened: Opener) -> None:
    bodies = opened(Bodies)
    executable = PipelineExecutables(bodies).bind(A, bodies.aggregate.one)
    assert executable.provider == "aggregate[one]"
    with bodies.node("//a") as node:
        assert node._scope.build("aggregate[one]")() == "Hello, world!"


def test_paths_and_providers_are_kept(opened: Opener) -> None:
    bodies = opened(Bodies)
    executables = PipelineExecutables(bodies)
    executables.bind(A, bodies.factory)
    executables.bind(NodePath("//b"), bodies.factory)
    assert sorted(executables.paths()) == ["//a", "//b"]
    assert executables.provider_of(A) == "factory"
    with pytest.raises(UnknownNodeError):
        executables.provider_of(NodePath("//c"))


class NotBodies(PipelineComponents):
    uncallable = providers.Factory(Uncallable)
    unannotated = providers.Factory(unannotated)
    unnamed = providers.Factory(gives_unnamed)
    needs = providers.Factory(lambda missing: missing)
    needs_below = providers.Factory(Greet, providers.Factory(body))
    the_class = providers.Object(Greet)
    nothing = providers.Object(None)
    items = providers.List(1)
    which = providers.Selector(lambda: "a", a=providers.Factory(Greet))
    attribute = providers.Factory(Greet).provided.greeting
    coroutine = providers.Coroutine(coroutine)
    delegate = providers.Delegate(providers.Factory(Greet))
    text = providers.Dependency(instance_of=str, default="x")


REASONS = {
    "uncallable": r"it gives Uncallable, which cannot be called\. Give the class a method __call__",
    "unannotated": r"whose type it does not say\. Annotate .* use providers\.Object\(unannotated\)",
    "unnamed": "whose inputs have no names",
    "needs": "needs missing, which nothing gives. A node takes its inputs in __call__",
    "needs_below": r"needs_below -> needs_below\[0\]: body needs name, which nothing gives",
    "the_class": "it gives the class Greet itself. Use a Factory of it",
    "nothing": "it gives NoneType, which cannot be called",
    "items": r"known only once it is built \(list\)",
    "which": r"known only once it is built \(selector\)",
    "attribute": r"known only once it is built \(attribute\)",
    "coroutine": "gives a coroutine whose type",
    "delegate": r"known only once it is built \(delegate\)",
    "text": "it gives str, which cannot be called",
}


@pytest.mark.parametrize("name", REASONS)
def test_what_gives_no_body_is_refused_with_the_reason(opened: Opener, name: str) -> None:
    bodies = opened(NotBodies)
    with pytest.raises(InvalidExecutableError, match=f'Node "//a" .*"{name}": .*{REASONS[name]}'):
        PipelineExecutables(bodies).bind(A, getattr(bodies, name))


def test_what_is_no_provider_of_the_opened_container_is_refused(opened: Opener) -> None:
    bodies, other = opened(Bodies), opened(NotBodies)
    executables = PipelineExecutables(bodies)
    for provider, way_out in (
        (Bodies.factory, r"it is the declaration, .* Pass that of the opened container: self\.factory"),
        (Greet, r"body = providers\.Factory\(Greet\), and pass self\.body"),
        ("text", r"pass a provider .* self\.name, without"),
    ):
        with pytest.raises(InvalidExecutableError, match=way_out):
            executables.bind(A, provider)
    with pytest.raises(InvalidExecutableError, match="it belongs to another opened container"):
        executables.bind(A, other.uncallable)
    with pytest.raises(UnknownProviderError):
        executable_of(bodies, "nothing")


def test_ports_are_those_of_the_declared_body_where_a_session_replaces_it(opened: Opener) -> None:
    class Fake(Greet):
        def __call__(self, name: str = "world", more: int = 1) -> str:
            return "fake"

    for override in (replace(Bodies.factory, Fake()), replace(Bodies.factory, provider=providers.Factory(Fake))):
        bodies = opened(Bodies, override)
        executable = executable_of(bodies, "factory")
        assert list(inspect.signature(executable.call).parameters) == ["self", "name"]
        assert bodies.factory()() == "fake"


def test_ports_are_those_of_the_declared_function_where_a_session_replaces_it(opened: Opener) -> None:
    class Fake:
        def __call__(self, text: str, more: int = 1) -> str:
            return "fake"

    for override in (
        replace(Bodies.function, Fake()),
        replace(Bodies.function, lambda text: "fake"),
        replace(Bodies.function, factory=Fake),
    ):
        bodies = opened(Bodies, override)
        assert executable_of(bodies, "function").call is body
        assert bodies.function()("text") == "fake"


def test_a_replaced_body_that_was_never_typed_is_refused_or_read_from_what_stands_for_it(opened: Opener) -> None:
    bodies = opened(NotBodies, replace(NotBodies.unannotated, Greet()))
    with pytest.raises(InvalidExecutableError, match="does not say what it takes"):
        executable_of(bodies, "unannotated")
    typed = opened(NotBodies, replace(NotBodies.unannotated, provider=providers.Factory(Greet)))
    assert executable_of(typed, "unannotated").call is Greet.__call__


class Fit(NamedTuple):
    """Several ports."""

    c: float


def test_async_bodies_are_found(opened: Opener) -> None:
    class Waits:
        async def __call__(self, c: float) -> Fit:
            await asyncio.sleep(0)
            return Fit(c)

    class Waiting(PipelineComponents):
        waits = providers.Factory(Waits)

    executable = executable_of(opened(Waiting), "waits")
    assert list(body_signature(executable.call, bound=executable.bound).outputs) == ["c"]
