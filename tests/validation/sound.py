"""Habitats that nothing is wrong with, whatever they are made of."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Generic, Literal, NamedTuple, NewType, Protocol, TypedDict, TypeVar

from dependency_injector import containers, providers
from pydantic import BaseModel, SecretStr

from oneml.habitats import (
    NodeResource,
    NodeSeed,
    NodeSingleton,
    PipelineBuilder,
    PipelineComponents,
    PipelineNodeSettings,
    PipelineSettings,
    ProcessResource,
    ProcessSingleton,
    Settings,
)

T = TypeVar("T")


class Give:
    def __call__(self) -> int:
        return 1


class Double:
    def __call__(self, value: int, times: int = 2) -> int:
        return value * times


class Sum:
    def __call__(self, values: Sequence[int]) -> int:
        return sum(values)


class Parts(NamedTuple):
    left: int
    right: str


class Split:
    def __call__(self, value: int) -> Parts:
        return Parts(value, str(value))


class Report(TypedDict):
    text: str
    count: int


class Write:
    def __call__(self, text: str) -> Report:
        return {"text": text, "count": len(text)}


@dataclass(frozen=True)
class Client:
    url: str = "memory:"


@dataclass(frozen=True)
class Read:
    client: Client

    def __call__(self) -> str:
        return self.client.url


def connection() -> Iterator[Client]:
    yield Client()


def helper(value: int) -> int:
    return value + 1


class OneNode(PipelineComponents):
    give = providers.Factory(Give)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.give)())


class FanOut(OneNode):
    double = providers.Factory(Double)
    add = providers.Factory(Sum)

    def define(self, pipeline: PipelineBuilder) -> None:
        one = pipeline.node("a", self.give)()
        each = pipeline.node("b", self.double)(value=one, times=pipeline.each({"twice": 2, "thrice": 3}))
        pipeline.output("x", pipeline.node("c", self.add)(values=pipeline.gather(each)))


class ManyPorts(OneNode):
    split = providers.Factory(Split)
    write = providers.Factory(Write)

    def define(self, pipeline: PipelineBuilder) -> None:
        parts = pipeline.node("split", self.split)(value=pipeline.node("a", self.give)())
        report = pipeline.node("write", self.write)(text=parts.right)
        pipeline.output("count", report["count"])


class ByPorts(OneNode):
    double = providers.Factory(Double)

    def define(self, pipeline: PipelineBuilder) -> None:
        one, two = pipeline.node("a", self.give)(), pipeline.node("b", self.double)
        pipeline.connect(one >> two.inputs.value)
        pipeline.output("x", two.outputs.output)


class WithInput(PipelineComponents):
    double = providers.Factory(Double)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.double)(value=pipeline.input("value", int)))


class Ordered(OneNode):
    def define(self, pipeline: PipelineBuilder) -> None:
        first = pipeline.node("a", self.give)
        first()
        pipeline.node("b", self.give, after=[first])()


class Namespaces(OneNode):
    def define(self, pipeline: PipelineBuilder) -> None:
        for name in ("left", "right"):
            pipeline.namespace(name).node("a", self.give)()


class Scoped(PipelineComponents):
    process = ProcessSingleton(Client)
    opened = ProcessResource(connection)
    session = providers.Resource(connection)
    kept = providers.Singleton(Client)
    scratch = NodeResource(connection)
    read_kept = NodeSingleton(Read, client=kept)
    read = providers.Factory(Read, client=session)
    read_process = providers.Factory(Read, client=process)
    read_scratch = providers.Factory(Read, client=scratch)

    def define(self, pipeline: PipelineBuilder) -> None:
        for name in ("read_kept", "read", "read_process", "read_scratch"):
            pipeline.node(name, getattr(self, name))()


class TrainSettings(BaseModel):
    rates: tuple[float, ...] = (0.1, 1.0)
    names: Mapping[str, int] = {}


class MySettings(PipelineSettings):
    url: str = "memory:"
    train: TrainSettings = TrainSettings()
    token: SecretStr | None = None


@dataclass(frozen=True)
class Fit:
    rates: tuple[float, ...]
    train: TrainSettings
    token: SecretStr | None

    def __call__(self) -> float:
        return self.rates[0]


class WithSettings(PipelineComponents):
    settings = Settings(MySettings)
    client = providers.Singleton(Client, url=settings.session.url)
    fit = providers.Factory(
        Fit, rates=settings.node.train.rates, train=settings.session.train, token=settings.process.token
    )
    read = providers.Factory(Read, client=client)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("read", self.read)()
        pipeline.node("fit", self.fit, settings=PipelineNodeSettings(retries=2, fields={"train": {"rates": [0.5]}}))()


class Collections(PipelineComponents):
    one = providers.Factory(Client, "a")
    listed = providers.List(one, one)
    mapped = providers.Dict({"a": one, "b": one})

    @dataclass(frozen=True)
    class Body:
        clients: list[Client]
        by_name: dict[str, Client]

        def __call__(self) -> int:
            return len(self.clients)

    body = providers.Factory(Body, clients=listed, by_name=mapped)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("a", self.body)()


class Selected(PipelineComponents):
    chosen = providers.Object("here")
    client = providers.Selector(chosen, here=providers.Factory(Client), there=providers.Factory(Client, "there"))
    read = providers.Factory(Read, client=client)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("a", self.read)()


class PassedOn(PipelineComponents):
    client = providers.Factory(Client)

    @dataclass(frozen=True)
    class Body:
        make: Callable[[], Client]
        add: Callable[[int], int]

        def __call__(self) -> int:
            return self.add(1)

    body = providers.Factory(Body, make=client.provider, add=providers.Object(helper))

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("a", self.body)()


class AttributesAndItems(PipelineComponents):
    client = providers.Singleton(Client)

    @dataclass(frozen=True)
    class Body:
        url: str

        def __call__(self) -> str:
            return self.url

    body = providers.Factory(Body, url=client.provided.url)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("a", self.body)()


class Clients(containers.DeclarativeContainer):
    url = providers.Dependency(instance_of=str, default="memory:")
    client = providers.Singleton(Client, url=url)


class Nested(PipelineComponents):
    clients = providers.Container(Clients)
    read = providers.Factory(Read, client=clients.client)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("a", self.read)()


class Functions(PipelineComponents):
    body = providers.Object(helper)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("a", self.body)(value=1)


class Partial(PipelineComponents):
    @dataclass(frozen=True)
    class Body:
        read: Callable[[], str]

        def __call__(self) -> str:
            return self.read()

    body = providers.Factory(Body, read=providers.Callable(functools.partial, Read(Client())))

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("a", self.body)()


class Async(PipelineComponents):
    class Body:
        async def __call__(self, value: int = 1) -> int:
            return value

    body = providers.Factory(Body)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("x", pipeline.node("a", self.body)())


class Seeded(PipelineComponents):
    settings = Settings(MySettings)

    @dataclass(frozen=True)
    class Body:
        seed: int

        def __call__(self) -> int:
            return self.seed

    body = providers.Factory(Body, seed=NodeSeed(7))

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("a", self.body)()


class Box(Generic[T]):
    def __init__(self, held: T) -> None:
        self.held = held


class Contract(Protocol):
    def __call__(self) -> str: ...


class Generics(PipelineComponents):
    box = providers.Factory(Box[Client], held=providers.Factory(Client))
    read: providers.Provider[Contract] = providers.Factory(Read, client=providers.Factory(Client))

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("a", self.read)()


class Inherited(Scoped):
    read = providers.Factory(Read, client=Scoped.process)


class Everything(FanOut, WithSettings):
    def define(self, pipeline: PipelineBuilder) -> None:
        FanOut.define(self, pipeline)
        WithSettings.define(self, pipeline)


Milliseconds = NewType("Milliseconds", int)


class Options(TypedDict):
    depth: int


class Particular:
    def __init__(
        self,
        kind: Literal["linear", "tree"],
        mode: Literal["fast", None] = None,
        wait: Milliseconds | None = None,
        options: Options | None = None,
        *,
        of: type[Give] = Give,
        make: Callable[[], Give] = Give,
        give: Give | None = None,
        manager: AbstractContextManager[Give] | None = None,
        several: Sequence[Give] = (),
        named: Mapping[str, Give] | None = None,
    ) -> None: ...

    def __call__(self) -> int:
        return 1


def giving() -> Iterator[Give]:
    yield Give()


@contextmanager
def given_for(kind: Literal["linear"]) -> Iterator[Give]:
    yield Give()


class ParticularSettings(PipelineSettings):
    kind: Literal["linear", "tree"] = "linear"


class ParticularTypes(PipelineComponents):
    """Literals, new types, typed dictionaries, resources, selectors by values, and options of configurations."""

    settings = Settings(ParticularSettings)
    config = providers.Configuration(strict=True, default={"wait": 3, "kind": "tree"})
    give = providers.Factory(Give)
    resource = providers.Resource(giving)
    context = providers.Resource(given_for, kind="linear")
    by_quick = providers.Selector(providers.Object("quick"), quick=give)
    one = providers.Factory(Particular, "linear", "fast", Milliseconds(3), {"depth": 1}, give=resource)
    two = providers.Factory(Particular, settings.session.kind, None, 3, providers.Dict(depth=2), give=context)
    three = providers.Factory(Particular, config.kind, wait=config.wait.as_int(), make=give.provider, give=by_quick)
    four = providers.Factory(
        Particular,
        "tree",
        of=Give,
        make=Give,
        manager=providers.Factory(given_for, "linear"),
        several=providers.List(give, resource),
        named=providers.Dict(a=give, b=context),
    )

    def define(self, pipeline: PipelineBuilder) -> None:
        for name, body in {"one": self.one, "two": self.two, "three": self.three, "four": self.four}.items():
            pipeline.node(name, body)()


class Kept:
    """Has attributes that only its methods tell of, and some that nothing does."""

    declared: int

    def __init__(self, number: int) -> None:
        self.number = number

        def later() -> None:
            self.later = number

        later()

    @property
    def doubled(self) -> int:
        return 2 * self.number


def wrapped(method: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(method)
    def call(*arguments: object) -> None:
        method(*arguments)

    return call


def hidden(method: Callable[..., None]) -> Callable[..., None]:
    def call(*arguments: object) -> None:
        method(*arguments)

    return call


class Decorated:
    """Has attributes that are set by what decorators have wrapped, and by what a library has generated."""

    __attrs_attrs__ = (SimpleNamespace(name="generated"),)

    @wrapped
    def __init__(self) -> None:
        self.first, self.generated = 1, 2
        self.fill()

    @hidden
    def fill(self) -> None:
        self.second = 2

    @property
    def third(self) -> int:
        return self.fourth

    @third.setter
    def third(self, value: int) -> None:
        self.fourth = value


class Dynamic:
    def __init__(self, **values: int) -> None:
        for name, value in values.items():
            setattr(self, name, value)


class Taking:
    def __init__(self, *values: int) -> None:
        self.values = values

    def __call__(self) -> int:
        return sum(self.values)


class ProvidedAttributes(PipelineComponents):
    kept = providers.Singleton(Kept, 1)
    decorated = providers.Singleton(Decorated)
    dynamic = providers.Singleton(Dynamic, made=1)
    train = providers.Factory(TrainSettings)
    taking = providers.Factory(
        Taking,
        kept.provided.number,
        kept.provided.later,
        kept.provided.doubled,
        decorated.provided.first,
        decorated.provided.second,
        decorated.provided.fourth,
        decorated.provided.generated,
        dynamic.provided.made,
        train.provided.rates,
    )

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("taking", self.taking)()
