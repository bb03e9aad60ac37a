"""Commits what workers answered beside the loop that hears of them, so that neither waits for the other."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from oneml.habitats.ports.engine import WorkerReply
from oneml.habitats.values.outcome import NodeOutcome


class Commits:
    """One batch at a time is committed; what comes meanwhile is the next one.

    Args:
        take: Commits a batch, and returns the outcomes.
    """

    def __init__(self, take: Callable[[Sequence[WorkerReply]], Sequence[NodeOutcome]]) -> None:
        self._take = take
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="oneml-ray-commits")
        self._batch: Future[Sequence[NodeOutcome]] | None = None
        self._next: list[WorkerReply] = []

    def add(self, replies: Sequence[WorkerReply]) -> None:
        """Commit replies soon."""
        self._next.extend(replies)
        self._begin()

    @property
    def pending(self) -> bool:
        """Whether there is something of which `ended` has not told yet."""
        return self._batch is not None

    def ended(self, *, wait: bool) -> Sequence[NodeOutcome]:
        """Return the outcomes of what has been committed, none where nothing has.

        Args:
            wait: Until a batch is.

        Raises:
            OnemlError: As ``take``.
        """
        if self._batch is None or not (wait or self._batch.done()):
            return ()
        batch, self._batch = self._batch, None
        self._begin()
        return batch.result()

    def close(self) -> None:
        """Wait until all is committed; where an error ends the session, what fails here then is not told."""
        if self._next:
            self._thread.submit(self._take, self._next)
        self._thread.shutdown()

    def _begin(self) -> None:
        if self._batch is None and self._next:
            replies, self._next = self._next, []
            self._batch = self._thread.submit(self._take, replies)
