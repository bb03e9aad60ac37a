"""What runs when a scope ends: each finalizer once, the last one made first, whatever the others do."""

import atexit
import itertools
import os
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any

from oneml.habitats.errors import ClosedScopeError


class Finalizers:
    """The finalizers of one scope, and of the scopes inside it.

    They are kept until they have run: a generator that were collected together with its session would be closed before
    it is asked to go on, and what stands after its yield would never run. What has not run when the interpreter ends
    runs then.

    Args:
        scope: Name of the scope, for messages.
        outer: Those of the session, for a node; None for a session and for the process.
        order: Of the session among all that this process opens, see `next_order`.

    Attributes:
        scope: Name of the scope.
        order: Of the session.
        inner: Those of the nodes of this session, by identity.
        process_id: The process that they belong to; a forked one leaves them alone.
    """

    __slots__ = ("_callbacks", "_siblings", "inner", "order", "process_id", "scope")

    def __init__(self, scope: str, outer: "Finalizers | None" = None, order: int = 0) -> None:
        self.scope = scope
        self.order = order
        # Entries are added, taken and removed by single operations of the dictionary, so that no lock is needed.
        self._callbacks: dict[int, tuple[Callable[[Any], object], Any]] | None = {}
        self.inner: dict[int, Finalizers] = {} if outer is None else _NOTHING_INSIDE
        self._siblings = _standing if outer is None else outer.inner
        self.process_id: int = os.getpid() if outer is None else outer.process_id
        self._siblings[id(self)] = self

    def push(self, function: Callable[[Any], object], argument: object) -> None:
        """Call ``function`` with ``argument`` when the scope ends.

        Raises:
            ClosedScopeError: It has ended already; the function has been called.
        """
        callbacks = self._callbacks
        callback = (function, argument)
        key = id(callback)
        if callbacks is not None:
            callbacks[key] = callback
            if self._callbacks is not None:
                return
        if callbacks is None or callbacks.pop(key, None) is not None:
            function(argument)
        raise ClosedScopeError(scope=self.scope)

    def close(self) -> None:
        """Run everything, the last first, the scopes inside before this one.

        Raises:
            BaseExceptionGroup: What the finalizers raised; all of them ran.
        """
        errors = self.run()
        if errors:
            count = "A finalizer" if len(errors) == 1 else f"{len(errors)} finalizers"
            message = f"{count} of {self.scope} failed"
            raise BaseExceptionGroup(message, errors)

    def run(self) -> list[BaseException]:
        """Run everything, as `close` does, and return what was raised."""
        callbacks, self._callbacks = self._callbacks, None
        self._siblings.pop(id(self), None)
        errors = run_all(list(self.inner.values())) if self.inner else []
        while callbacks:
            try:
                function, argument = callbacks.popitem()[1]
            except KeyError:  # what was added last was taken back
                break
            try:
                function(argument)
            except BaseException as error:  # noqa: BLE001  # the others must run; all are raised together
                errors.append(error)
        return errors


def run_all(several: Iterable[Finalizers]) -> list[BaseException]:
    """Run the finalizers of several scopes, and return what was raised."""
    return [error for finalizers in several for error in finalizers.run()]


def call_all(functions: Iterable[Callable[[], object]], message: str) -> None:
    """Call all of them, whatever the others do.

    Args:
        functions: They take nothing.
        message: What it means that several failed.

    Raises:
        BaseExceptionGroup: What they raised, where it was more than one error; a single one is raised as it is.
    """
    errors: list[BaseException] = []
    for function in functions:
        try:
            function()
        except BaseException as error:  # noqa: BLE001  # the others must be called; all are raised together
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup(message, errors)


_NOTHING_INSIDE: dict[int, Finalizers] = {}
_standing: dict[int, Finalizers] = {}
_of_process = Finalizers("The process")
_orders = itertools.count(1)


def process_finalizers() -> Finalizers:
    """Return what runs when the process ends, after every session."""
    return _of_process


def next_order() -> int:
    """Return a number above all that were returned before: which of two sessions was opened first."""
    return next(_orders)


def open_scopes(since: int = 0) -> Mapping[int, str]:
    """Return the names of the sessions in this process that have something to finalize, by identity.

    Args:
        since: The order of the first session that counts.
    """
    own = os.getpid()
    return {
        key: one.scope
        for key, one in _standing.copy().items()
        if one is not _of_process and one.process_id == own and one.order >= since
    }


@contextmanager
def separate_process() -> Generator[None]:
    """Let what lives as long as the process end with the block, as far as it is made in it.

    Raises:
        BaseExceptionGroup: What finalizers raised; all of them ran.
    """
    global _of_process
    outer, _of_process = _of_process, Finalizers("The process")
    try:
        yield
    finally:
        inner, _of_process = _of_process, outer
        inner.close()


@atexit.register
def _end_all() -> None:
    sessions = [finalizers for finalizers in _standing.values() if finalizers is not _of_process]
    errors = run_all(finalizers for finalizers in (*sessions, _of_process) if finalizers.process_id == os.getpid())
    if errors:
        message = "Finalizers failed when the interpreter ended"
        raise BaseExceptionGroup(message, errors)
