"""Providers of an opened container: each builds in the scope that it was taken from."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from dependency_injector import providers

from oneml.habitats.habitats.provider_node import ProviderKind, ProviderNode
from oneml.habitats.values.suggestions import known_names

if TYPE_CHECKING:
    from oneml.habitats.habitats.scopes import Lease, Scope


class BoundProvider:
    """What stands for a declared provider in an opened container; type checkers see the declared one.

    Calling it gives what the provider gives in the scope that this belongs to. Providers inside it, of an aggregate or
    of a nested container, are its attributes.
    """

    __slots__ = ("_index", "_lease", "_scope")

    def __init__(self, scope: "Scope", index: int, lease: "Lease | None" = None) -> None:
        self._scope = scope
        self._index = index
        self._lease = lease

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Give what the provider gives; arguments mean what they mean to the declared one."""
        scope = self._scope
        if args or kwargs:
            return scope.blueprint.build_with(scope, self._index, args, kwargs)
        return scope.blueprint.build(scope, self._index)

    def __getattr__(self, name: str) -> Any:
        node = self._node
        if name in node.members:
            return BoundProvider(self._scope, node.members[name], self._lease)
        if node.kind is ProviderKind.CONFIGURATION and not name.startswith("_"):
            return BoundOption(self, (name,))
        if name in {"providers", "factories"} and node.members:
            return {key: BoundProvider(self._scope, index, self._lease) for key, index in node.members.items()}
        if hasattr(providers.Provider, name):
            message = (
                f'"{node.name}" belongs to an opened container, which does not change: "{name}" is for the class. '
                "Give replace(...) to open() to put something else in its place."
            )
            raise AttributeError(message)
        known = known_names(name, [str(member) for member in node.members])
        message = f'"{node.name}" is a provider and has no "{name}". {known}'
        raise AttributeError(message)

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __reduce__(self) -> NoReturn:
        message = "A provider of an opened container stays in its process."
        raise TypeError(message)

    def __repr__(self) -> str:
        return f"<provider {self._node.name} of {self._scope.name}>"

    @property
    def _node(self) -> ProviderNode:
        return self._scope.blueprint.graph.nodes[self._index]

    @property
    def provider(self) -> Callable[[], "BoundProvider"]:
        """A provider that gives this one."""
        return lambda: self


class BoundOption:
    """An option of a configuration in an opened container."""

    __slots__ = ("_configuration", "_path")

    def __init__(self, configuration: BoundProvider, path: tuple[str, ...]) -> None:
        self._configuration = configuration
        self._path = path

    def __call__(self) -> Any:
        """Give its value; None where there is none."""
        value = self._configuration()
        for segment in self._path:
            value = value.get(segment) if isinstance(value, Mapping) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # any configuration
        return value  # pyright: ignore[reportUnknownVariableType]  # any configuration

    def __getattr__(self, name: str) -> "BoundOption":
        if name.startswith("__"):
            raise AttributeError(name)
        return BoundOption(self._configuration, (*self._path, name))

    def __getitem__(self, name: str) -> "BoundOption":
        return BoundOption(self._configuration, (*self._path, name))


def node_of(bound: BoundProvider) -> ProviderNode:
    """Return the declared provider behind ``bound``."""
    return bound._node  # noqa: SLF001  # its public names are providers  # pyright: ignore[reportPrivateUsage]


def scope_of(bound: BoundProvider) -> "Scope":
    """Return the scope that ``bound`` builds in."""
    return bound._scope  # noqa: SLF001  # its public names are providers  # pyright: ignore[reportPrivateUsage]
