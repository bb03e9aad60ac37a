"""What a builder needs to know about the providers that authors hand it."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple, Protocol, TypeVar

from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.place import Place

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

    def include(self, path: NodePath, habitat: object, settings: object, place: Place) -> "IncludedHabitat | None":
        """Make a habitat ready to be defined in a namespace of its own.

        Args:
            path: The namespace.
            habitat: Its container class, or its name.
            settings: What the author of the outer pipeline sets for it.
            place: Where that is written.

        Returns:
            The habitat; None where its container is wrong or the settings do not fit it, which whoever made these
            executables tells.

        Raises:
            InvalidInclusionError: It cannot be included there.
            OnemlError: There is no such habitat.
        """
        ...


class IncludedHabitat(Protocol):
    """A habitat that a pipeline includes."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    @property
    def executables(self) -> Executables:
        """Takes the providers of its nodes."""
        ...

    def define(self, pipeline: Any) -> None:
        """Let it define its part of the DAG.

        Args:
            pipeline: The builder, as seen from its namespace.
        """
        ...


class Includable(Protocol):
    """What type checkers see of the containers that a pipeline may include."""

    def define(self, pipeline: Any) -> None:
        """Define the DAG."""
        ...

    @property
    def session_id(self) -> str:
        """The session that it is open for."""
        ...

    @classmethod
    def settings_model(cls) -> type[Any]:
        """Return its settings model."""
        ...
