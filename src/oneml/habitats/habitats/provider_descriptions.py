"""One provider as JSON: what it calls, with what, how long it keeps it, and which others it refers to by name."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType
from typing import Any, cast

from dependency_injector import containers, providers

from oneml.habitats.habitats.canonical_values import Canonicaliser, digest_of_json
from oneml.habitats.habitats.import_paths import NotCanonicalError
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.habitats.overrides import Override
from oneml.habitats.habitats.provider_node import Argument, Edge, Plain, ProviderKind, ProviderNode
from oneml.habitats.habitats.providers import AnyProvider, Reference
from oneml.habitats.habitats.resources import generator_function
from oneml.habitats.values.json_value import JsonObject, JsonValue, canonical_json

_ARGUMENT_MAX_BYTES = 2_000
_SCALARS = (str, int, bool, float, type(None))
_STOCK = (providers.Provider.__module__, Reference.__module__, "builtins", "oneml.habitats.habitats.settings_views")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDescription:
    """What is known of one provider.

    Attributes:
        content: It as JSON.
        modules: The modules that it names.
        unproven: Why another process cannot rebuild it, a sentence each, and the way out.
    """

    content: JsonObject
    modules: frozenset[str]
    unproven: tuple[str, ...]


class ProviderDescriber:
    """Describes the providers of a graph.

    Args:
        names: The name of each provider, by index.
        aliases: Its dotted names, sorted, by index.
        overrides: What stands for providers in a session.
    """

    def __init__(self, names: Sequence[str], aliases: Sequence[Sequence[str]], overrides: Sequence[Override]) -> None:
        self._names = names
        self._aliases = aliases
        self._overrides = {override.target: override for override in overrides}

    def describe(self, node: ProviderNode) -> ProviderDescription:
        """Return the description of a provider."""
        return _Description(node, self._names, self._aliases[node.number], self._overrides.get(node.provider)).made()


class _Description:
    """Collects the description of one provider."""

    __slots__ = ("_aliases", "_modules", "_names", "_node", "_override", "_unproven", "_values")

    def __init__(
        self, node: ProviderNode, names: Sequence[str], aliases: Sequence[str], override: Override | None
    ) -> None:
        self._node = node
        self._names = names
        self._aliases = aliases
        self._override = override
        self._modules: set[str] = set()
        self._unproven: list[str] = []
        self._values = Canonicaliser(self._modules)

    def made(self) -> ProviderDescription:
        node = self._node
        content: dict[str, JsonValue] = {"kind": node.kind.value, "names": list(self._aliases)}
        content["class"] = self._class_path(node.provider)
        content["lifetime"] = None if node.lifetime is None else str(node.lifetime)
        content |= {key: value for key, value in self._own() if value is not None}
        if node.args:
            content["args"] = [self._argument(str(place), given) for place, given in enumerate(node.args)]
        for key, found in (("kwargs", node.kwargs), ("attributes", node.attributes)):
            if found:
                content[key] = self._named({name: self._argument(str(name), given) for name, given in found.items()})
        if node.members:
            edges = {edge.label: edge for edge in node.edges}
            content["members"] = self._named(
                {name: self._edge(edges[str(name)]._replace(target=index)) for name, index in node.members.items()}
            )
        self._note_override(content)
        if node.problem is not None:
            self._unproven.append(f'"{node.name}" cannot be built: {node.problem}')
        modules = frozenset(module for module in self._modules if module not in _STOCK)
        return ProviderDescription(content=content, modules=modules, unproven=tuple(self._unproven))

    def _own(self) -> Iterator[tuple[str, JsonValue]]:
        """Give what is peculiar to the kind of the provider."""
        node = self._node
        provides: Any = node.provides
        if isinstance(provides, SettingRead):
            yield "setting", str(provides)
        elif node.kind in _PLAIN:
            yield "value", self._value("", provides)
        elif isinstance(provides, Edge):
            yield "provides", self._edge(provides)
        elif node.kind in _CALLING:
            yield "provides", self._value("provides", _as_declared(provides))
        elif node.kind is ProviderKind.DEPENDENCY:
            yield "instance_of", self._value("instance_of", provides)
        elif node.kind is ProviderKind.REFERENCE:
            yield "target", cast("str", provides)
            yield "contract", self._contract(cast("Reference[Any]", node.provider).contract)
            self._modules.add(cast("str", provides).partition(":")[0])
        elif node.kind is ProviderKind.CONTAINER or node.kind is ProviderKind.SELF:
            yield "container", self._container(provides)
        elif node.kind is ProviderKind.CONFIGURATION:
            yield from self._configuration(provides)
        elif node.kind is ProviderKind.OPTION:
            yield "required", cast("bool", provides[1])

    def _configuration(self, provider: Any) -> Iterator[tuple[str, JsonValue]]:
        yield "configuration", self._value("configuration", provider(), shown_whole=True)
        yield "strict", bool(provider.get_strict())

    def _container(self, container: object) -> JsonValue:
        form: object = container
        if isinstance(container, containers.DynamicContainer):
            form = container.declarative_parent
        return None if form is None else self._value("container", form)

    def _contract(self, contract: object) -> JsonValue:
        try:
            return self._values.type(contract)
        except NotCanonicalError as error:
            return self._refused("contract", error)

    def _class_path(self, provider: AnyProvider) -> JsonValue:
        kind = type(provider)
        if kind.__module__ in _STOCK:
            return f"{kind.__module__}:{kind.__qualname__}"
        try:
            return self._values.path(kind)
        except NotCanonicalError as error:
            return self._refused("class", error)

    def _argument(self, label: str, argument: Argument) -> JsonValue:
        if isinstance(argument, Edge):
            return {"provider": self._names[argument.target], "lazy": argument.lazy}
        return self._value(label, argument.value)

    def _edge(self, edge: Edge) -> JsonValue:
        return {"provider": self._names[edge.target], "lazy": edge.lazy}

    def _value(self, label: str, value: object, *, shown_whole: bool = False) -> JsonValue:
        try:
            form = self._values.read(value)
        except NotCanonicalError as error:
            return self._refused(label, error)
        if shown_whole or type(form) in _SCALARS or "import" in cast("JsonObject", form):
            return form
        size = len(canonical_json(form))
        if size <= _ARGUMENT_MAX_BYTES:
            return form
        return {"sha256": digest_of_json(form), "bytes": size, "of": next(iter(cast("JsonObject", form)))}

    def _refused(self, label: str, error: NotCanonicalError) -> JsonValue:
        verb, place = _PLACES.get(label, ("is given", f" (argument {label})"))
        self._unproven.append(
            f'"{self._node.name}" {verb} {error.what}{place}, which another process cannot rebuild. {error.advice}'
        )
        return {"unproven": error.what}

    def _named(self, found: Mapping[Any, JsonValue]) -> JsonValue:
        """Return what stands under names: an object, or pairs where names are no plain texts."""
        if all(type(name) is str and name.isascii() for name in found):
            return cast("dict[str, JsonValue]", found)
        pairs: list[JsonValue] = [[self._value("key", name), value] for name, value in found.items()]
        return sorted(pairs, key=canonical_json)

    def _note_override(self, content: dict[str, JsonValue]) -> None:
        override = self._override
        if override is None:
            return
        described = override.describe()
        if described is not None:
            content["override"] = described
            return
        content["override"] = {"unproven": f"a live {override.value_type}"}
        self._unproven.append(
            f'"{self._node.name}" is replaced by a live {override.value_type}, which a worker cannot rebuild. '
            "Use replace(..., factory=Class) with one that it can import, or provider=Reference(...)."
        )


_PLACES = {
    "": ("gives", ""),
    "provides": ("calls", ""),
    "class": ("is", ""),
    "container": ("contains", ""),
    "configuration": ("is loaded with", ""),
    "contract": ("has the contract", ""),
    "instance_of": ("depends on", ""),
}
"""How a sentence goes on about what another process cannot rebuild, by where it stands."""

_CALLING = frozenset({ProviderKind.CALL, ProviderKind.RESOURCE, ProviderKind.THREAD_LOCAL})
_PLAIN = frozenset({ProviderKind.OBJECT, ProviderKind.ATTRIBUTE, ProviderKind.ITEM})


_FIXED = (str, bytes, int, float, complex, type(None), type, FunctionType, BuiltinFunctionType, Edge, SettingRead)
"""What is described the same as long as a process runs."""


def changeable_values(node: ProviderNode) -> Iterator[object]:
    """Give the values that a provider was declared with and that may have changed in place since."""
    if node.kind is ProviderKind.CONFIGURATION:
        yield node.provider()
    elif (node.kind in _PLAIN or node.kind in _CALLING) and not isinstance(node.provides, _FIXED):
        yield node.provides
    for given in (*node.args, *node.kwargs.values(), *node.attributes.values()):
        if isinstance(given, Plain) and not isinstance(given.value, _FIXED):
            yield given.value


def _as_declared(provides: Any) -> Any:
    """Return a generator function as its module has it, without the context manager that a resource puts around it."""
    function: Any = generator_function(provides)
    if function is None:
        return provides
    module = sys.modules.get(function.__module__)
    return function if getattr(module, function.__name__, None) is function else provides
