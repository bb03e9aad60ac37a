"""The part of Ray that the engine uses, typed, so that nothing else in it has to know Ray."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar, overload

T = TypeVar("T")


class Ref(Protocol):
    """What a task will give."""

    def hex(self) -> str:
        """Return its name."""
        ...


class RemoteFunction(Protocol):
    """A function that Ray can call elsewhere."""

    def remote(self, *arguments: object) -> Ref:
        """Call it; returns at once."""
        ...


class RuntimeContext(Protocol):
    """Where this process stands in the cluster."""

    def get_node_id(self) -> str:
        """Return the name of this machine in the cluster."""
        ...


class RayApi(Protocol):
    """The module ``ray``."""

    def is_initialized(self) -> bool:
        """Tell whether this process is connected."""
        ...

    def init(self, **options: object) -> object:
        """Connect."""
        ...

    def shutdown(self) -> None:
        """Disconnect, and end a cluster that `init` started."""
        ...

    def remote(self, **options: object) -> Callable[[Callable[..., object]], RemoteFunction]:
        """Return what makes a function of ours a remote one."""
        ...

    def wait(
        self, refs: list[Ref], *, num_returns: int, timeout: float | None, fetch_local: bool
    ) -> tuple[list[Ref], list[Ref]]:
        """Wait until so many have ended or the time is over; return those that have, and the others."""
        ...

    @overload
    def get(self, refs: Ref, *, timeout: float | None = None) -> object: ...

    @overload
    def get(self, refs: Sequence[Ref], *, timeout: float | None = None) -> Sequence[object]: ...

    def put(self, value: object) -> Ref:
        """Let the cluster have a value."""
        ...

    def cancel(self, ref: Ref, *, force: bool) -> None:
        """End a task; by force, its process."""
        ...

    def nodes(self) -> Sequence[Mapping[str, object]]:
        """Return what the head knows of the machines."""
        ...

    def get_runtime_context(self) -> RuntimeContext:
        """Return where this process stands."""
        ...
