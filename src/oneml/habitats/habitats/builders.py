"""Compiles the table of providers into plain closures: no code is generated, and nothing is looked up when they run."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any, cast

from dependency_injector import providers

from oneml.habitats.errors import UnbuildableError
from oneml.habitats.habitats.bound import BoundProvider
from oneml.habitats.habitats.constructors import Fit
from oneml.habitats.habitats.deep_builders import flattened
from oneml.habitats.habitats.graph_reach import Reach
from oneml.habitats.habitats.lifetimes import Lifetime, SettingRead
from oneml.habitats.habitats.node_seed import node_seed
from oneml.habitats.habitats.plain_arguments import fresh, is_copied
from oneml.habitats.habitats.provider_graph import ProviderGraph
from oneml.habitats.habitats.provider_node import Argument, Edge, ProviderKind, ProviderNode
from oneml.habitats.habitats.providers import Reference
from oneml.habitats.habitats.references import ReferenceTarget
from oneml.habitats.habitats.resources import enter_generator, enter_resource, generator_function
from oneml.habitats.habitats.scopes import Builder, Scope
from oneml.habitats.habitats.shared_builders import kept_in_node, kept_in_process, kept_in_session, kept_in_thread
from oneml.habitats.habitats.single_build import MISSING
from oneml.habitats.values.suggestions import known_names


def compile_builders(graph: ProviderGraph, reach: Reach, fits: Sequence[Fit], order: Sequence[int]) -> list[Builder]:
    """Return the builder of each provider, by index.

    Args:
        graph: The providers; none of them has a problem.
        reach: What each of them reaches.
        fits: How the arguments of each fit what it calls.
        order: What must be built first before what is built from it.
    """
    compiler = _Compiler(graph, reach, fits)
    for index in order:
        compiler.builders[index] = compiler.builder(graph.nodes[index])
    return flattened(graph, reach, order, compiler.builders)


def kept_builder(node: ProviderNode, make: Builder, reach: Reach) -> Builder:
    """Return a builder that keeps what ``make`` makes in the scope of the provider, if it has one."""
    if node.kind not in _KEPT:
        return make
    if node.kind is ProviderKind.THREAD_LOCAL:
        return kept_in_thread(node.number, make, node.name)
    lifetime = reach.lifetimes[node.number]
    if lifetime is Lifetime.NODE:
        return kept_in_node(node.number, make, node.name)
    if lifetime is Lifetime.SESSION:
        return kept_in_session(node.number, make, node.name)
    if lifetime is Lifetime.PROCESS:
        keyed = reach.reads_process[node.number]
        return kept_in_process(node.number, make, node.name, node.provider, keyed=keyed)
    return make


class _Compiler:
    """Makes the builder of each provider out of those that it needs, which have been made before."""

    def __init__(self, graph: ProviderGraph, reach: Reach, fits: Sequence[Fit]) -> None:
        self._nodes = graph.nodes
        self._fits = fits
        self._reach = reach
        self.builders: list[Builder] = [_never] * len(graph.nodes)

    def builder(self, node: ProviderNode) -> Builder:
        return kept_builder(node, _MAKERS[node.kind](self, node), self._reach)

    def argument(self, argument: Argument) -> Builder:
        if isinstance(argument, Edge):
            target = argument.target
            if argument.lazy:
                return lambda scope: BoundProvider(scope, target)
            return self.builders[target]
        value = argument.value
        return (lambda _: fresh(value)) if is_copied(value) else lambda _: value

    def arguments(self, arguments: Sequence[Argument]) -> list[Builder]:
        return [self.argument(argument) for argument in arguments]

    def named(self, arguments: Mapping[Any, Argument]) -> dict[Any, Builder]:
        return {name: self.argument(argument) for name, argument in arguments.items()}

    def call(self, node: ProviderNode) -> Builder:
        if isinstance(node.provides, Edge):
            target = node.provides.target
            made = self._called_by_keyword(lambda scope: BoundProvider(scope, target), node)
        else:
            made = self._called(cast("Callable[..., Any]", node.provides), node)
        return _with_attributes(made, self.named(node.attributes)) if node.attributes else made

    def _called(self, provides: Callable[..., Any], node: ProviderNode) -> Builder:
        positional = self.arguments(node.args)
        if node.kwargs:
            ordered = self._fits[node.number].ordered
            if ordered is None:
                return self._called_by_keyword(lambda _: provides, node)
            positional += [self.argument(node.kwargs[name]) for name in ordered]
        above = self._above(node)
        return called_with_kept(provides, positional, above) if above else called_by_position(provides, positional)

    def _above(self, node: ProviderNode) -> Sequence[int]:
        """Return the indexes of the arguments, if all of them are kept in the session or the process."""
        arguments = [*node.args, *[node.kwargs[name] for name in self._fits[node.number].ordered or ()]]
        indexes: list[int] = []
        for argument in arguments:
            if not isinstance(argument, Edge) or argument.lazy or not self._is_kept_above(argument.target):
                return ()
            indexes.append(argument.target)
        return indexes

    def _is_kept_above(self, index: int) -> bool:
        return self._nodes[index].kind in _KEPT_ABOVE and self._reach.lifetimes[index] in _ABOVE

    def _called_by_keyword(self, callee: Builder, node: ProviderNode) -> Builder:
        positional, named = self.arguments(node.args), self.named(node.kwargs)
        return lambda scope: callee(scope)(
            *[build(scope) for build in positional], **{name: build(scope) for name, build in named.items()}
        )

    def resource(self, node: ProviderNode) -> Builder:
        name, generator = node.name, generator_function(node.provides)
        if generator is not None:
            started = self._called(generator, node)
            return lambda scope: enter_generator(scope, started(scope), name)
        made = self.call(node)
        return lambda scope: enter_resource(scope, made(scope), name)

    def reference(self, node: ProviderNode) -> Builder:
        provider = cast("Reference[Any]", node.provider)
        names = cast("tuple[str, ...]", tuple(node.kwargs))
        target = ReferenceTarget(node.name, provider.contract, provider.target, names)
        return self._called_by_keyword(target.in_scope, node)

    def given(self, node: ProviderNode) -> Builder:
        value = node.provides
        return lambda _: value

    def list_(self, node: ProviderNode) -> Builder:
        items = self.arguments(node.args)
        return lambda scope: [build(scope) for build in items]

    def dict_(self, node: ProviderNode) -> Builder:
        items = self.named(node.kwargs)
        return lambda scope: {key: build(scope) for key, build in items.items()}

    def selector(self, node: ProviderNode) -> Builder:
        builders = {key: self.builders[index] for key, index in node.members.items()}
        chosen = self.chosen(node)
        return lambda scope: builders[chosen(scope)](scope)

    def chosen(self, node: ProviderNode) -> Builder:
        return chosen_member(node, self.argument(node.args[0]))

    def aggregate(self, node: ProviderNode) -> Builder:
        name, known = node.name, known_names("", map(str, node.members))

        def build(_: Scope) -> Any:
            reason = f"it is an aggregate: say which, {name}.one() or {name}(which). {known}"
            raise UnbuildableError(provider=name, reason=reason)

        return build

    def through(self, node: ProviderNode) -> Builder:
        return self.argument(node.args[0])

    def dependency(self, node: ProviderNode) -> Builder:
        build, name, wanted = self.argument(node.args[0]), node.name, cast("type", node.provides)
        return build if wanted is object else lambda scope: checked_dependency(build(scope), wanted, name)

    def dependencies(self, node: ProviderNode) -> Builder:
        name = node.name

        def build(_: Scope) -> Any:
            raise UnbuildableError(provider=name, reason="it only collects dependencies. Ask for one of them.")

        return build

    def itself(self, node: ProviderNode) -> Builder:
        index = next(
            (other.number for other in self._nodes if other.provides is node.provides and other is not node), None
        )
        return (
            (lambda scope: scope.blueprint.opened(scope))
            if index is None
            else lambda scope: BoundProvider(scope, index)
        )

    def container(self, node: ProviderNode) -> Builder:
        index = node.number
        return lambda scope: BoundProvider(scope, index)

    def configuration(self, node: ProviderNode) -> Builder:
        provider = cast("providers.Configuration", node.provides)
        return lambda _: provider()

    def option(self, node: ProviderNode) -> Builder:
        root, required = cast("tuple[Any, bool]", node.provides)
        segments = self.arguments(node.args[1:])
        return lambda scope: root.get(".".join([str(build(scope)) for build in segments]), required)

    def attribute(self, node: ProviderNode) -> Builder:
        source, get = self.argument(node.args[0]), cast("str", node.provides)
        return lambda scope: getattr(source(scope), get)

    def item(self, node: ProviderNode) -> Builder:
        source, key = self.argument(node.args[0]), node.provides
        return lambda scope: source(scope)[key]

    def method(self, node: ProviderNode) -> Builder:
        callee = self.argument(node.args[0])
        return self._called_by_keyword(callee, node._replace(args=node.args[1:]))

    def setting(self, node: ProviderNode) -> Builder:
        read = cast("SettingRead", node.provides)
        get = attrgetter(read.field) if read.field else _whole
        if read.layer == "process":
            return lambda scope: get(scope.surroundings.process_settings)
        if read.layer == "session":
            return lambda scope: get(scope.surroundings.session_settings)
        subject = str(read)

        def build(scope: Scope) -> Any:
            settings = scope.node_settings
            return get(scope.settings_of_node(subject) if settings is None else settings)

        return build

    def seed(self, node: ProviderNode) -> Builder:
        seed, name = self.argument(node.args[0]), node.name
        return lambda scope: node_seed(seed(scope), scope.path_of_node(f'"{name}"'), name)

    def replaced(self, node: ProviderNode) -> Builder:
        index, name = node.number, node.name
        return lambda scope: scope.up[index] if index in scope.up else scope.home(name).up[index]


def _whole(settings: Any) -> Any:
    return settings


def _never(_: Scope) -> Any:
    message = "a provider was compiled before one that it needs"
    raise AssertionError(message)


_KEPT = frozenset({ProviderKind.CALL, ProviderKind.RESOURCE, ProviderKind.THREAD_LOCAL})

_MAKERS: Mapping[ProviderKind, Callable[[_Compiler, ProviderNode], Builder]] = {
    ProviderKind.CALL: _Compiler.call,
    ProviderKind.THREAD_LOCAL: _Compiler.call,
    ProviderKind.RESOURCE: _Compiler.resource,
    ProviderKind.REFERENCE: _Compiler.reference,
    ProviderKind.OBJECT: _Compiler.given,
    ProviderKind.LIST: _Compiler.list_,
    ProviderKind.DICT: _Compiler.dict_,
    ProviderKind.SELECTOR: _Compiler.selector,
    ProviderKind.AGGREGATE: _Compiler.aggregate,
    ProviderKind.DELEGATE: _Compiler.through,
    ProviderKind.OVERRIDDEN: _Compiler.through,
    ProviderKind.PROVIDED: _Compiler.through,
    ProviderKind.DEPENDENCY: _Compiler.dependency,
    ProviderKind.DEPENDENCIES: _Compiler.dependencies,
    ProviderKind.CONTAINER: _Compiler.container,
    ProviderKind.SELF: _Compiler.itself,
    ProviderKind.CONFIGURATION: _Compiler.configuration,
    ProviderKind.OPTION: _Compiler.option,
    ProviderKind.ATTRIBUTE: _Compiler.attribute,
    ProviderKind.ITEM: _Compiler.item,
    ProviderKind.METHOD: _Compiler.method,
    ProviderKind.SETTING: _Compiler.setting,
    ProviderKind.SEED: _Compiler.seed,
    ProviderKind.REPLACED: _Compiler.replaced,
}


def chosen_member(node: ProviderNode, choose: Builder) -> Builder:
    """Return what gives the key of the member that a selector chooses.

    What it chooses by may be a function as well as a value.
    """
    name, members = node.name, node.members

    def chosen(scope: Scope) -> Any:
        key = choose(scope)
        if not isinstance(node.args[0], Edge):
            key = key()
        if key not in members:
            raise UnbuildableError(
                provider=name, reason=f"it selects {key!r}. {known_names(str(key), map(str, members))}"
            )
        return key

    return chosen


def checked_dependency(value: Any, wanted: type, name: str) -> Any:
    """Return what a dependency was given.

    Raises:
        UnbuildableError: It is of another type.
    """
    if not isinstance(value, wanted):
        raise UnbuildableError(
            provider=name, reason=f"it depends on a {wanted.__qualname__}, and is given a {type(value).__qualname__}."
        )
    return value


def _with_attributes(make: Builder, attributes: Mapping[str, Builder]) -> Builder:
    def build(scope: Scope) -> Any:
        made = make(scope)
        for name, value in attributes.items():
            setattr(made, name, value(scope))
        return made

    return build


_KEPT_ABOVE = frozenset({ProviderKind.CALL, ProviderKind.RESOURCE})
_ABOVE = frozenset({Lifetime.SESSION, Lifetime.PROCESS})


def called_with_kept(provides: Callable[..., Any], arguments: Sequence[Builder], above: Sequence[int]) -> Builder:
    """Return what calls ``provides`` with what is kept in the session or the process, once all of that is there."""
    take = itemgetter(*above)
    several = len(above) > 1

    def build(scope: Scope) -> Any:
        try:
            given = take(scope.up)
        except KeyError:
            given = MISSING
        if given is MISSING:
            given = [argument(scope) for argument in arguments]
            return provides(*given)
        return provides(*given) if several else provides(given)

    return build


def called_by_position(provides: Callable[..., Any], arguments: Sequence[Builder]) -> Builder:
    """Return what calls ``provides`` with what ``arguments`` build; written out for few of them, for speed."""
    match arguments:
        case []:
            return lambda _: provides()
        case [a]:
            return lambda scope: provides(a(scope))
        case [a, b]:
            return lambda scope: provides(a(scope), b(scope))
        case [a, b, c]:
            return lambda scope: provides(a(scope), b(scope), c(scope))
        case [a, b, c, d]:
            return lambda scope: provides(a(scope), b(scope), c(scope), d(scope))
        case _:
            return lambda scope: provides(*[build(scope) for build in arguments])
