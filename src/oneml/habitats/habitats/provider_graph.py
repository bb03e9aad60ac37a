"""The graph of the providers of a container: read from the class, without copying or calling any of them."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, cast

from dependency_injector import containers, providers

from oneml.habitats.habitats.lifetimes import Lifetime
from oneml.habitats.habitats.provider_kinds import EdgeReader, Reading, read_provider
from oneml.habitats.habitats.provider_node import ProviderKind, ProviderNode
from oneml.habitats.habitats.providers import AnyProvider, is_provider
from oneml.habitats.habitats.settings_views import SettingView, read_of

Overriding = Mapping[AnyProvider, AnyProvider]
"""What stands for a provider, by that provider."""


overriding_of: Callable[[AnyProvider], AnyProvider | None] = attrgetter("last_overriding")
"""Gives the library's own override that stands on a provider; the stub leaves its type open."""
_related_to: Callable[[AnyProvider], Iterator[object]] = attrgetter("related")


class ReplacedBy(NamedTuple):
    """What a session was opened with in place of a provider.

    Attributes:
        provider: The provider that stands for it; None where an object does.
    """

    provider: AnyProvider | None


class ProviderGraph(NamedTuple):
    """Every provider that a container has or refers to.

    Attributes:
        nodes: By index.
        names: Index by dotted name; several names may stand for one provider.
        indexes: Index by declared provider.
    """

    nodes: tuple[ProviderNode, ...]
    names: Mapping[str, int]
    indexes: Mapping[AnyProvider, int]


def own_declarations(container: type) -> list[Mapping[str, AnyProvider]]:
    """Return what each class that a container is derived from declares itself, its own first.

    The library's own ``providers`` are those of the moment when the class was declared: what is put into a base later
    is not among them, and what a class takes back of its own is missing, though attribute lookup finds that of a base.
    """
    bases = (cast("Mapping[str, object]", vars(base)) for base in container.__mro__)
    return [cast("Mapping[str, AnyProvider]", base["cls_providers"]) for base in bases if "cls_providers" in base]


def declared_providers(container: type) -> dict[str, AnyProvider]:
    """Return the providers of a container class by attribute, as attribute lookup finds them."""
    names = {name: None for declared in reversed(own_declarations(container)) for name in declared}
    own = cast("providers.Self[Any]", getattr(container, "__self__", None))
    found = {name: getattr(container, name, None) for name in (*names, *own.alt_names)}
    return {name: provider for name, provider in found.items() if isinstance(provider, providers.Provider)}


def standing_overrides(container: type) -> dict[AnyProvider, AnyProvider]:
    """Return the library's own overrides that stand on anything that the class refers to."""
    found = ((provider, overriding_of(provider)) for provider in reached_providers(container))
    return {provider: overriding for provider, overriding in found if overriding is not None}


def reached_providers(container: type) -> Iterator[AnyProvider]:
    """Give every provider that the class refers to, its own ones and those that they are made from."""
    seen: set[AnyProvider] = set()
    waiting: list[object] = [*declared_providers(container).values()]
    while waiting:
        provider = waiting.pop()
        if not is_provider(provider) or provider in seen or isinstance(provider, SettingView):
            continue
        seen.add(provider)
        yield provider
        waiting.extend(_related(provider))


def restore_override(provider: AnyProvider, wanted: AnyProvider | None) -> None:
    """Let the library's own override on a provider be ``wanted`` again, and forget what it has built meanwhile."""
    library: Any = provider  # its stub knows nothing of `overridden`
    if isinstance(provider, providers.BaseSingleton):
        library.reset()
    if overriding_of(provider) is wanted:
        return
    while library.overridden and library.overridden[-1] is not wanted:
        library.reset_last_overriding()
    if wanted is not None and not library.overridden:
        library.override(wanted)


def _related(provider: AnyProvider) -> Sequence[object]:
    try:
        return list(_related_to(provider))
    except (AttributeError, TypeError):  # nothing was put into it, which is told when the container is compiled
        return ()


def read_graph(container: type, *, declared: Overriding, replaced: Mapping[AnyProvider, ReplacedBy]) -> ProviderGraph:
    """Read the providers of a class.

    Args:
        container: The class.
        declared: Overrides that stand since the class was declared, and belong to it.
        replaced: What a session was opened with.
    """
    return _GraphReader(declared, replaced).read(declared_providers(container))


class _GraphReader:
    """Numbers providers as they are found, named ones first, and reads each once."""

    def __init__(self, declared: Overriding, replaced: Mapping[AnyProvider, ReplacedBy]) -> None:
        self._declared = declared
        self._replaced = replaced
        self._indexes: dict[AnyProvider, int] = {}
        self._providers: list[AnyProvider] = []
        self._names: list[str] = []
        self._by_name: dict[str, int] = {}

    def read(self, roots: Mapping[str, AnyProvider]) -> ProviderGraph:
        for name, provider in _dotted(roots):
            self._by_name[name] = self._number(provider, name, "")
        nodes: list[ProviderNode] = []
        while len(nodes) < len(self._providers):
            nodes.append(self._node(len(nodes)))
        return ProviderGraph(tuple(nodes), self._by_name, self._indexes)

    def _number(self, provider: AnyProvider, name: str, label: str) -> int:
        index = self._indexes.get(provider)
        if index is None:
            index = self._indexes[provider] = len(self._providers)
            self._providers.append(provider)
            if isinstance(provider, SettingView):
                name = str(read_of(provider))
            elif label:
                name = f"{name}[{label}]"
            self._names.append(name)
        return index

    def _node(self, index: int) -> ProviderNode:
        provider, name = self._providers[index], self._names[index]
        reader = EdgeReader(name, self._number, self._declared.get)
        reading = self._standing_for(reader, provider) or read_provider(reader, provider)
        return ProviderNode(
            index,
            name,
            reading.kind,
            provider,
            reading.lifetime,
            reading.provides,
            reading.args,
            reading.kwargs,
            reading.attributes,
            reading.members,
            tuple(reader.edges),
            reading.problem,
        )

    def _standing_for(self, reader: EdgeReader, provider: AnyProvider) -> Reading | None:
        replaced = self._replaced.get(provider)
        if replaced is None:
            other = self._declared.get(provider)
            if other is None or isinstance(provider, _READ_THROUGH):
                return None
            label = "override"
        elif replaced.provider is None:
            return Reading(ProviderKind.REPLACED, Lifetime.SESSION)
        else:
            other, label = replaced.provider, "replacement"
        return Reading(ProviderKind.OVERRIDDEN, args=(reader.edge(label, other),))


_READ_THROUGH = (
    providers.Configuration,
    providers.Dependency,
    providers.DependenciesContainer,
    providers.Container,
)
"""Kinds that an override fills in rather than replaces."""


def _dotted(roots: Mapping[str, AnyProvider]) -> Iterator[tuple[str, AnyProvider]]:
    """Give every named provider with its dotted name: by name, and those of nested containers after their own."""
    waiting = deque([("", roots)])
    while waiting:
        prefix, found = waiting.popleft()
        for name in sorted(found):
            provider = found[name]
            yield f"{prefix}{name}", provider
            if isinstance(provider, providers.Container):
                inner: containers.DynamicContainer | None = provider.container
                waiting.append((f"{prefix}{name}.", {} if inner is None else inner.providers))
            elif isinstance(provider, providers.DependenciesContainer):
                waiting.append((f"{prefix}{name}.", cast("Mapping[str, AnyProvider]", provider.providers)))
