"""Every kind of provider of dependency-injector, alone and in nested and multiple containers. Run: tells what it is."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from dependency_injector import containers, providers, resources

from oneml.habitats import (
    NodeResource,
    NodeSeed,
    NodeSingleton,
    PipelineComponents,
    PipelineSettings,
    ProcessResource,
    ProcessSingleton,
    Reference,
    Settings,
)
from oneml.habitats.habitats.graph_description import describe_graph


class Service:
    """Takes anything."""

    label = "service"

    def __init__(self, *args: object, **kwargs: object) -> None:
        self.args, self.kwargs = args, kwargs

    @classmethod
    def made(cls, *args: object) -> "Service":
        return cls(*args)


class Trains(Protocol):
    def __call__(self, amount: int) -> int: ...


@dataclass(frozen=True)
class Options:
    names: frozenset[str]
    rate: float = 0.5


class Own(PipelineSettings):
    which: str = "one"
    seed: int = 0


def opened(*_args: object) -> Iterator[Service]:
    yield Service()


async def answered(*_args: object) -> int:
    return 42


async def opened_later() -> AsyncIterator[Service]:
    yield Service()


class Opened(resources.Resource[Service]):
    def init(self, *args: Any, **kwargs: Any) -> Service:
        return Service(*args, **kwargs)

    def shutdown(self, resource: Service | None) -> None:
        pass


class OwnFactory(providers.Factory[Service]):
    """A kind of our own that provides as its parent does."""

    provided_type = Service


NAMES = {"red", "green", "blue", "white", "black"}


class Kinds(PipelineComponents):
    settings = Settings(Own)
    part = providers.Factory(Service, 1, "a", 2.0, None, flag=True)
    alias = part
    own = OwnFactory(Service, part)
    by_string = providers.Factory("collections.OrderedDict")
    by_class_method = providers.Factory(Service.made, NAMES)
    late = providers.Factory(Service).add_args(part).add_kwargs(names=NAMES).add_attributes(extra=part, plain=4)
    options = providers.Factory(Service, options=Options(names=frozenset(NAMES)))
    delegated = providers.DelegatedFactory(Service)
    singleton = providers.Singleton(Service, part, inner=delegated)
    delegated_singleton = providers.DelegatedSingleton(Service)
    thread_safe = providers.ThreadSafeSingleton(Service)
    delegated_thread_safe = providers.DelegatedThreadSafeSingleton(Service)
    thread_local = providers.ThreadLocalSingleton(Service)
    delegated_thread_local = providers.DelegatedThreadLocalSingleton(Service)
    per_process = ProcessSingleton(Service)
    process_resource = ProcessResource(opened)
    per_node = NodeSingleton(Service, settings.node.which)
    node_resource = NodeResource(opened, 1)
    seed = NodeSeed(settings.node.seed)
    reference = Reference(Trains, "elsewhere.training:Trainer", amount=3, service=part)
    call = providers.Callable(divmod, 7)
    delegated_call = providers.DelegatedCallable(divmod, 7)
    coroutine = providers.Coroutine(answered, 1)
    delegated_coroutine = providers.DelegatedCoroutine(answered, 1)
    value = providers.Object({"names": NAMES, "order": [3, 1, 2]})
    nothing = providers.Object(None)
    passed = providers.Object(part)
    items = providers.List(part, 2, providers.Factory(Service))
    entries = providers.Dict({"a.b": part, 3: 4, Service: 5}, plain=6)
    selector = providers.Selector(settings.session.which, one=part, two=singleton)
    aggregate = providers.Aggregate(one=part, two=singleton)
    factories = providers.FactoryAggregate({"a.b": part, "c": delegated})
    delegate = providers.Delegate(part)
    factory_delegate = providers.FactoryDelegate(part)
    callable_delegate = providers.CallableDelegate(call)
    coroutine_delegate = providers.CoroutineDelegate(coroutine)
    singleton_delegate = providers.SingletonDelegate(singleton)
    by_attribute = providers.Factory(Service, part.provider)
    resource = providers.Resource(opened, part)
    resource_class = providers.Resource(Opened, 1)
    config = providers.Configuration(default={"db": {"port": "5432"}, "names": {"x": 1}})
    config.from_dict({"learning": {"rate": 0.1}})
    configured = providers.Factory(Service, config.db.port.as_int(), config.learning.rate.required(), config.missing)
    chosen = providers.Factory(Service, config.names[providers.Object("x")])
    dependency = providers.Dependency(instance_of=Service, default=part)
    chain = providers.Factory(Service, part.provided.label, part.provided.args[0], part.provided.made.call(1, b=part))
    itself = providers.Self()
    with_itself = providers.Factory(Service, itself)


class Clients(containers.DeclarativeContainer):
    config = providers.Configuration(default={"url": "local"})
    url = providers.Dependency(instance_of=str, default="default")
    pool = ProcessSingleton(Service)
    client = providers.Singleton(Service, url, pool, config.url)


class Gateways(containers.DeclarativeContainer):
    clients = providers.DependenciesContainer()
    gateway = providers.Factory(Service, clients.client)


class Application(PipelineComponents):
    """As the documentation's application with several containers."""

    settings = Settings(Own)
    config = providers.Configuration(default={"clients": {"url": "remote"}})
    clients = providers.Container(Clients, url=settings.session.which, config=config.clients)
    gateways = providers.Container(Gateways, clients=clients)
    user = providers.Factory(Service, clients.client, gateways.gateway)
    foreign = providers.Factory(Service, Clients.client)


class Derived(Application):
    """Inherits, and overrides in its body."""

    more = providers.Factory(Service, Application.clients.client)
    replaced = providers.AbstractFactory(Service)
    replaced.override(providers.Factory(Service, 1))


class Refused(PipelineComponents):
    """What cannot be built, or not elsewhere."""

    settings = Settings(Own)
    context_local = providers.ContextLocalSingleton(Service)
    context_local_resource = providers.ContextLocalResource(opened)
    abstract = providers.AbstractFactory(Service)
    abstract_singleton = providers.AbstractSingleton(Service)
    abstract_callable = providers.AbstractCallable(divmod)
    abstract_coroutine = providers.AbstractCoroutine(answered)
    later = providers.Resource(opened_later)
    asynchronous = providers.Factory(Service)
    asynchronous.enable_async_mode()
    external = providers.ExternalDependency(instance_of=Service)
    unbound = providers.Dependency(instance_of=Service)
    empty = providers.Factory()
    written = providers.Factory(lambda *args: Service(*args, 1))
    live = providers.Factory(Service, lock=iter(()))
    given = providers.Object(Service())
    by_function = providers.Selector(lambda: "one", one=given)
    files = providers.Configuration(yaml_files=["/nowhere.yaml"])


def told() -> dict[str, Any]:
    """Return what each container is."""
    found = {}
    for container in (Kinds, Application, Derived, Refused):
        description = describe_graph(container.blueprint())
        found[container.__name__] = {
            "digest": description.digest,
            "digests": {name: description.digest_of(name) for name in description.providers},
            "providers": dict(description.providers),
            "unproven": dict(description.unproven),
            "modules": sorted(description.all_modules),
        }
    return found
