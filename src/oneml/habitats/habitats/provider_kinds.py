"""How each kind of dependency-injector's providers is read into the table, or why it cannot be."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from dependency_injector import containers, providers

from oneml.habitats.habitats.lifetimes import LIFETIME_OF_LAYER, Lifetime
from oneml.habitats.habitats.provider_node import Argument, Edge, Plain, ProviderKind
from oneml.habitats.habitats.providers import (
    AnyProvider,
    NodeResource,
    NodeSeed,
    NodeSingleton,
    ProcessResource,
    ProcessSingleton,
    Reference,
    is_provider,
)
from oneml.habitats.habitats.settings_views import Settings, SettingView, read_of

_NOTHING: Mapping[Any, Any] = {}


class Reading(NamedTuple):
    """What a provider says about itself; see `ProviderNode`."""

    kind: ProviderKind
    lifetime: Lifetime | None = None
    provides: object = None
    args: tuple[Argument, ...] = ()
    kwargs: Mapping[Any, Argument] = _NOTHING
    attributes: Mapping[str, Argument] = _NOTHING
    members: Mapping[Any, int] = _NOTHING
    problem: str | None = None


class EdgeReader:
    """Turns what one provider refers to into arguments and edges.

    Args:
        name: What the provider is called.
        index_of: Gives the index of a provider that is found at a label of another one.
        default_of: Gives the provider that stands for another one since the class was declared, if one does.
    """

    __slots__ = ("_index_of", "_name", "default_of", "edges", "problem")

    def __init__(
        self,
        name: str,
        index_of: Callable[[AnyProvider, str, str], int],
        default_of: Callable[[AnyProvider], AnyProvider | None],
    ) -> None:
        self._name = name
        self._index_of = index_of
        self.default_of = default_of
        self.edges: list[Edge] = []
        self.problem: str | None = None

    def edge(self, label: str, provider: AnyProvider, *, lazy: bool = False) -> Edge:
        """Note that the provider at hand refers to ``provider``."""
        edge = Edge(label, self._index_of(provider, self._name, label), lazy)
        self.edges.append(edge)
        return edge

    def argument(self, label: str, value: object) -> Argument:
        """Read one argument."""
        if is_provider(value):
            return self.edge(label, value, lazy=_is_delegated(type(value)))
        if isinstance(value, Settings):
            self.problem = f'its argument "{label}" is all the settings. Pass a view: settings.session.'
        return Plain(value)

    def positional(self, values: tuple[object, ...]) -> tuple[Argument, ...]:
        """Read positional arguments."""
        return tuple([self.argument(str(position), value) for position, value in enumerate(values)]) if values else ()

    def named(self, values: Mapping[Any, object], prefix: str = "") -> Mapping[Any, Argument]:
        """Read arguments by name."""
        if not values:
            return _NOTHING
        if prefix:
            return {name: self.argument(f"{prefix}{name}", value) for name, value in values.items()}
        return {name: self.argument(str(name), value) for name, value in values.items()}

    def members(self, found: Mapping[Any, AnyProvider], *, lazy: bool) -> Mapping[Any, int]:
        """Read the providers inside another one."""
        return {name: self.edge(str(name), member, lazy=lazy).target for name, member in found.items()}


def _is_delegated(kind: type) -> bool:
    """Tell whether providers of a kind are passed as providers."""
    delegated = _delegated.get(kind)
    if delegated is None:
        delegated = _delegated[kind] = getattr(kind, "__IS_DELEGATED__", False) is True
    return delegated


_delegated: dict[type, bool] = {}


def _called(reader: EdgeReader, provider: Any, lifetime: Lifetime | None, attributes: Mapping[str, object]) -> Reading:
    provides: object = provider.provides
    if provides is None:
        return unsupported("it provides nothing. Give it a class or a function.")
    if is_provider(provides):
        provides = reader.edge("provides", provides)
    return Reading(
        ProviderKind.CALL,
        lifetime,
        provides,
        reader.positional(provider.args),
        reader.named(provider.kwargs),
        reader.named(attributes, ".") if attributes else _NOTHING,
    )


def _factory(reader: EdgeReader, provider: Any) -> Reading:
    return _called(reader, provider, None, provider.attributes)


def _callable(reader: EdgeReader, provider: Any) -> Reading:
    return _called(reader, provider, None, _NOTHING)


def _singleton(reader: EdgeReader, provider: Any) -> Reading:
    return _called(reader, provider, Lifetime.SESSION, provider.attributes)


def _process_singleton(reader: EdgeReader, provider: Any) -> Reading:
    return _called(reader, provider, Lifetime.PROCESS, provider.attributes)


def _node_singleton(reader: EdgeReader, provider: Any) -> Reading:
    return _called(reader, provider, Lifetime.NODE, provider.attributes)


def _thread_local(reader: EdgeReader, provider: Any) -> Reading:
    return _singleton(reader, provider)._replace(kind=ProviderKind.THREAD_LOCAL)


def _context_local(_reader: EdgeReader, provider: AnyProvider) -> Reading:
    return unsupported(
        f"a {type(provider).__name__} keeps its objects in contexts that outlive the session. "
        "Use a Singleton, a ThreadLocalSingleton or a NodeSingleton."
    )


def _abstract(_reader: EdgeReader, provider: AnyProvider) -> Reading:
    return unsupported(
        f"a {type(provider).__name__} gives nothing by itself. Override it in the class body, or give "
        "replace(..., provider=...) to open()."
    )


def _opened(reader: EdgeReader, provider: Any, lifetime: Lifetime) -> Reading:
    if _is_async(provider.provides):
        return unsupported(
            "it is an asynchronous resource, and scopes open and close outside of any event loop. Use a generator "
            "function or a context manager, or open it with `async with` in the body of the node."
        )
    return _called(reader, provider, lifetime, _NOTHING)._replace(kind=ProviderKind.RESOURCE)


def _resource(reader: EdgeReader, provider: Any) -> Reading:
    return _opened(reader, provider, Lifetime.SESSION)


def _process_resource(reader: EdgeReader, provider: Any) -> Reading:
    return _opened(reader, provider, Lifetime.PROCESS)


def _node_resource(reader: EdgeReader, provider: Any) -> Reading:
    return _opened(reader, provider, Lifetime.NODE)


def _is_async(provides: Any) -> bool:
    inner = inspect.unwrap(provides) if callable(provides) else provides
    if inspect.isasyncgenfunction(inner) or inspect.iscoroutinefunction(inner):
        return True
    return isinstance(inner, type) and hasattr(inner, "__aenter__") and not hasattr(inner, "__enter__")


def _reference(reader: EdgeReader, provider: Reference[Any]) -> Reading:
    return Reading(ProviderKind.REFERENCE, provides=provider.target, kwargs=reader.named(provider.arguments))


def _object(reader: EdgeReader, provider: providers.Object[Any]) -> Reading:
    if isinstance(provider.provides, providers.Provider):
        return _delegate(reader, provider)
    return Reading(ProviderKind.OBJECT, provides=provider.provides)


def _delegate(reader: EdgeReader, provider: Any) -> Reading:
    if provider.provides is None:
        return unsupported("it delegates to nothing. Give it a provider.")
    return Reading(ProviderKind.DELEGATE, args=(reader.edge("provider", provider.provides, lazy=True),))


def _list(reader: EdgeReader, provider: providers.List) -> Reading:
    return Reading(ProviderKind.LIST, args=reader.positional(provider.args))


def _dict(reader: EdgeReader, provider: providers.Dict) -> Reading:
    return Reading(ProviderKind.DICT, kwargs=reader.named(provider.kwargs))


def _selector(reader: EdgeReader, provider: providers.Selector[Any]) -> Reading:
    if provider.selector is None:
        return unsupported("it has nothing to select by. Give it a provider or a function as its first argument.")
    chooser = reader.argument("selector", provider.selector)
    return Reading(ProviderKind.SELECTOR, args=(chooser,), members=reader.members(provider.providers, lazy=False))


def _aggregate(reader: EdgeReader, provider: providers.Aggregate[Any]) -> Reading:
    return Reading(ProviderKind.AGGREGATE, members=reader.members(provider.providers, lazy=True))


def _dependency(reader: EdgeReader, provider: providers.Dependency[Any]) -> Reading:
    bound = reader.default_of(provider) or cast("AnyProvider | None", provider.default)
    if bound is None:
        return unsupported(
            f"it is a Dependency on {provider.instance_of.__qualname__} that nothing gives. Give it a default, name it "
            "where its container is nested (Container(Sub, name=provider)), or give replace(...) to open()."
        )
    target = reader.edge("given by", bound)
    return Reading(ProviderKind.DEPENDENCY, provides=provider.instance_of, args=(target,))


def _dependencies(reader: EdgeReader, provider: Any) -> Reading:
    return Reading(
        ProviderKind.DEPENDENCIES,
        members=reader.members(cast("Mapping[str, AnyProvider]", provider.providers), lazy=True),
    )


def _container(reader: EdgeReader, provider: providers.Container[Any]) -> Reading:
    inner: containers.DynamicContainer | None = provider.container
    if inner is None:
        return unsupported("it contains nothing. Give it a container class.")
    return Reading(ProviderKind.CONTAINER, provides=inner, members=reader.members(inner.providers, lazy=True))


def _itself(_reader: EdgeReader, provider: providers.Self[Any]) -> Reading:
    return Reading(ProviderKind.SELF, Lifetime.SESSION, provides=provider())


def _configuration(_reader: EdgeReader, provider: Any) -> Reading:
    files = [*provider.get_ini_files(), *provider.get_yaml_files(), *provider.get_json_files()]
    if files or provider.get_pydantic_settings():
        return unsupported(
            "its values come from files or models that a worker may not have. Declare them as fields of the settings: "
            "settings = Settings(Model)."
        )
    return Reading(ProviderKind.CONFIGURATION, provides=provider)


def _option(reader: EdgeReader, provider: Any) -> Reading:
    root: providers.Configuration | None = provider._get_root()  # noqa: SLF001  # the stub's public name is not there
    if root is None:
        return unsupported("it is an option of no configuration. Take it from one: config.name.")
    return Reading(
        ProviderKind.OPTION,
        provides=(root, provider.is_required()),
        args=(
            reader.edge("configuration", root),
            *reader.positional(provider.get_name_segments()),
        ),
    )


def _provided(kind: ProviderKind) -> Callable[[EdgeReader, Any], Reading]:
    def read(reader: EdgeReader, provider: Any) -> Reading:
        source = reader.edge("of", provider.provides)
        if kind is ProviderKind.METHOD:
            return Reading(kind, args=(source, *reader.positional(provider.args)), kwargs=reader.named(provider.kwargs))
        return Reading(kind, provides=None if kind is ProviderKind.PROVIDED else provider.name, args=(source,))

    return read


def _setting(_reader: EdgeReader, provider: SettingView) -> Reading:
    read = read_of(provider)
    return Reading(ProviderKind.SETTING, LIFETIME_OF_LAYER[read.layer], provides=read)


def _seed(reader: EdgeReader, provider: NodeSeed) -> Reading:
    return Reading(ProviderKind.SEED, Lifetime.NODE, args=(reader.argument("seed", provider.seed),))


def unsupported(problem: str) -> Reading:
    """Return the reading of a provider that cannot be compiled, with the reason and the way out."""
    return Reading(ProviderKind.UNSUPPORTED, problem=problem)


_READERS: Mapping[type, Callable[[EdgeReader, Any], Reading]] = {
    ProcessSingleton: _process_singleton,
    ProcessResource: _process_resource,
    NodeSingleton: _node_singleton,
    NodeResource: _node_resource,
    NodeSeed: _seed,
    Reference: _reference,
    SettingView: _setting,
    providers.AbstractFactory: _abstract,
    providers.AbstractSingleton: _abstract,
    providers.AbstractCallable: _abstract,
    providers.AbstractCoroutine: _abstract,
    providers.Factory: _factory,
    providers.ThreadLocalSingleton: _thread_local,
    providers.ContextLocalSingleton: _context_local,
    providers.BaseSingleton: _singleton,
    providers.ContextLocalResource: _context_local,
    providers.BaseResource: _resource,
    providers.Callable: _callable,
    providers.Configuration: _configuration,
    providers.ConfigurationOption: _option,
    providers.DependenciesContainer: _dependencies,
    providers.Object: _object,
    providers.Delegate: _delegate,
    providers.List: _list,
    providers.Dict: _dict,
    providers.Selector: _selector,
    providers.Aggregate: _aggregate,
    providers.Dependency: _dependency,
    providers.Container: _container,
    providers.Self: _itself,
    providers.ProvidedInstance: _provided(ProviderKind.PROVIDED),
    providers.AttributeGetter: _provided(ProviderKind.ATTRIBUTE),
    providers.ItemGetter: _provided(ProviderKind.ITEM),
    providers.MethodCaller: _provided(ProviderKind.METHOD),
}
_STOCK = providers.Provider.__module__


def _foreign(_reader: EdgeReader, provider: AnyProvider) -> Reading:
    return unsupported(
        f"{type(provider).__qualname__} provides in a way of its own, which only it knows. Derive it from a stock "
        "provider without changing how that provides, or use a Factory of a function."
    )


_known: dict[type, Callable[[EdgeReader, Any], Reading]] = dict(_READERS)


def read_provider(reader: EdgeReader, provider: AnyProvider) -> Reading:
    """Return what ``provider`` says about itself, overrides apart."""
    kind = type(provider)
    read = _known.get(kind)
    if read is None:
        read = _known[kind] = _reader_of(kind)
    reading = read(reader, provider)
    if reading.problem is None:
        if reader.problem is not None:
            return reading._replace(problem=reader.problem)
        if provider.is_async_mode_enabled():
            return reading._replace(problem="it is in asynchronous mode. Scopes build outside of any event loop.")
    return reading


def _reader_of(kind: type) -> Callable[[EdgeReader, Any], Reading]:
    for parent in kind.__mro__:
        read = _READERS.get(parent)
        if read is not None:
            return read
        if parent.__module__ != _STOCK and not vars(parent).keys().isdisjoint(("_provide", "__call__")):
            break
    return _foreign
