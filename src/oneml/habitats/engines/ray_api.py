"""The part of Ray that the engine uses, typed, so that nothing else in it has to know Ray."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar, cast, overload

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


def given_by(ray: RayApi, refs: Sequence[Ref], timeout_seconds: float) -> Sequence[tuple[Ref, bytes | Exception]]:
    """Wait until a task has ended, or for a while, and return what each that has ended gave, or why it gave nothing."""
    ready, others = ray.wait(list(refs), num_returns=1, timeout=timeout_seconds, fetch_local=True)
    if ready and others:
        more, _ = ray.wait(others, num_returns=len(others), timeout=0, fetch_local=True)
        ready = [*ready, *more]
    if not ready:
        return ()
    try:
        given = cast("Sequence[bytes]", ray.get(ready))
    except Exception:  # noqa: BLE001  # Ray's errors are many, and some are of what a task raised
        return [(ref, _given_by(ray, ref)) for ref in ready]
    return list(zip(ready, given, strict=True))


def _given_by(ray: RayApi, ref: Ref) -> bytes | Exception:
    try:
        return cast("bytes", ray.get(ref))
    except Exception as error:  # noqa: BLE001  # as above
        return error
