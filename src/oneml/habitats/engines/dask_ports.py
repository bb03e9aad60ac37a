"""What is used of Dask, with types: its own are partial."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class DaskFuture(Protocol):
    """A `distributed.Future` whose result is a packed reply."""

    key: str
    status: str

    def add_done_callback(self, fn: "Callable[[DaskFuture], None]") -> None:
        """Call ``fn`` when the task has ended."""
        ...

    def exception(self, timeout: float) -> BaseException | None:
        """Return why there is no result."""
        ...


class DaskScheduler(Protocol):
    """What a client knows of its scheduler."""

    def identity(self) -> Awaitable[Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]]:
        """Tell about the scheduler and, under ``workers``, about each worker."""
        ...


class DaskClient(Protocol):
    """A `distributed.Client`."""

    status: str
    scheduler: DaskScheduler

    def get(
        self,
        dsk: Mapping[str, object],
        keys: Sequence[str],
        *,
        sync: bool,
        resources: Mapping[str, float] | None,
        priority: int,
        retries: int,
        fifo_timeout: str,
    ) -> list[DaskFuture]:
        """Hand a graph over; futures in the order of ``keys``."""
        ...

    def gather(
        self, futures: Mapping[str, DaskFuture], *, errors: str, asynchronous: bool
    ) -> Awaitable[Mapping[str, bytes | None]]:
        """Fetch results; None for those that failed."""
        ...

    def cancel(self, futures: Sequence[DaskFuture], *, asynchronous: bool) -> Awaitable[None]:
        """Take tasks back."""
        ...

    def run(
        self, function: Callable[[str], list[int]], topic: str, *, on_error: str, asynchronous: bool
    ) -> Awaitable[Mapping[str, list[int]]]:
        """Call a function in every worker."""
        ...

    def sync(self, func: Callable[[], Awaitable[T]], *, callback_timeout: float) -> T:
        """Wait for what runs in the client's own thread."""
        ...

    def subscribe_topic(self, topic: str, handler: "Callable[[tuple[float, tuple[str, Sequence[str]]]], None]") -> None:
        """Call ``handler`` with every event of a topic."""
        ...

    def get_versions(self, *, check: bool) -> Awaitable[Mapping[str, Mapping[str, object]]]:
        """Tell the versions of packages of everybody; for `sync`."""
        ...

    def register_plugin(self, plugin: object, *, name: str) -> Awaitable[object]:
        """Set up a plugin in every worker, and in those to come; for `sync`."""
        ...

    def unregister_worker_plugin(self, name: str) -> Awaitable[object]:
        """Tear a plugin down; for `sync`."""
        ...

    def run_on_scheduler(self, function: Callable[..., None], topic: str) -> Awaitable[object]:
        """Call a function in the scheduler; for `sync`."""
        ...

    def close(self, *, timeout: float) -> None:
        """Disconnect."""
        ...
