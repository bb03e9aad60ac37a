"""What a builder needs to know about the providers that authors hand it."""

from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol, TypeVar

from oneml.habitats.values.node_path import NodePath

T_co = TypeVar("T_co", covariant=True)


class ProviderOf(Protocol[T_co]):
    """Anything that gives a ``T_co`` when called without arguments: what type checkers see of a provider."""

    def __call__(self) -> T_co:
        """Give the object."""
        ...


class Executable(NamedTuple):
    """What a provider tells about the body that it will give, without building it.

    Attributes:
        provider: Its dotted name in the container.
        call: The function whose annotations are the ports: a body's ``__call__``, or the function itself.
        bound: Whether ``call`` already lacks ``self``.
    """

    provider: str
    call: Callable[..., object]
    bound: bool


class Executables(Protocol):
    """Node to provider; the body is built only where the node runs."""

    def bind(self, path: NodePath, provider: object) -> Executable:
        """Let ``provider`` give the body of the node at ``path``.

        Raises:
            InvalidExecutableError: It is no provider of the container, or gives nothing that can be called.
        """
        ...

    def paths(self) -> Collection[NodePath]:
        """Return the nodes that have a provider."""
        ...
