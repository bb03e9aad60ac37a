"""What runs when a scope ends: each finalizer once, the last one made first, whatever the others do."""

import atexit
import os
import threading
from collections.abc import Callable
from weakref import ref

from oneml.habitats.errors import ClosedScopeError

# Reentrant, because collecting garbage while it is held may end another scope.
_lock = threading.RLock()


class Finalizers:
    """The finalizers of one scope, and of the scopes inside it.

    They run when they are closed; else when the scope is dropped, or when the interpreter ends.

    Args:
        scope: Name of the scope, for messages.
        outer: Those of the scope around it.

    Attributes:
        inner: Those of scopes inside this one, by identity.
    """

    def __init__(self, scope: str, outer: "Finalizers | None" = None) -> None:
        self._scope = scope
        # Not an attribute: a generator that is collected together with its session would be closed before it is asked
        # to go on, and what stands after its yield would never run.
        _callbacks[id(self)] = []
        self.inner: dict[int, ref[Finalizers]] = {}
        self._outer = _standing if outer is None else outer.inner
        self._process_id = os.getpid()
        self._ended = False
        self._outer[id(self)] = ref(self)

    def push(self, callback: Callable[[], object]) -> None:
        """Run ``callback`` when the scope ends.

        Raises:
            ClosedScopeError: It has ended already; ``callback`` has been run.
        """
        with _lock:
            callbacks = _callbacks.get(id(self))
            if callbacks is not None:
                callbacks.append(callback)
                return
        callback()
        raise ClosedScopeError(scope=self._scope)

    def close(self) -> None:
        """Run everything, the last first, the scopes inside before this one.

        Raises:
            BaseExceptionGroup: What the finalizers raised; all of them ran.
        """
        errors = self.run()
        if errors:
            count = "A finalizer" if len(errors) == 1 else f"{len(errors)} finalizers"
            message = f"{count} of {self._scope} failed"
            raise BaseExceptionGroup(message, errors)

    def run(self) -> list[BaseException]:
        """Run everything, as `close` does, and return what was raised."""
        self._ended = True
        with _lock:
            callbacks = _callbacks.pop(id(self), [])
            self._outer.pop(id(self), None)
        errors = [error for inner in _alive(self.inner) for error in inner.run()]
        while callbacks:
            try:
                callbacks.pop()()
            except BaseException as error:  # noqa: BLE001  # the others must run; all are raised together
                errors.append(error)
        return errors

    def end(self) -> None:
        """Run everything, unless it belongs to the process that this one was forked from.

        Raises:
            BaseExceptionGroup: What the finalizers raised; all of them ran.
        """
        if self._process_id == os.getpid():
            self.close()

    def __del__(self) -> None:
        if not self._ended:
            self.end()


def _alive(finalizers: dict[int, ref[Finalizers]]) -> list[Finalizers]:
    return [found for weak in list(finalizers.values()) if (found := weak()) is not None]


_callbacks: dict[int, list[Callable[[], object]]] = {}
_standing: dict[int, ref[Finalizers]] = {}
_of_process = Finalizers("the process")


def process_finalizers() -> Finalizers:
    """Return what runs when the process ends, after every session."""
    return _of_process


def close_process_finalizers() -> None:
    """Run what runs when the process ends, now; what is made from now on waits for the end again.

    Raises:
        BaseExceptionGroup: What the finalizers raised; all of them ran.
    """
    global _of_process
    ended, _of_process = _of_process, Finalizers("the process")
    ended.close()


@atexit.register
def _end_all() -> None:
    errors: list[Exception] = []
    sessions = [finalizers for finalizers in _alive(_standing) if finalizers is not _of_process]
    for finalizers in (*sessions, _of_process):
        try:
            finalizers.end()
        except Exception as error:  # noqa: BLE001  # the others must run; all are raised together
            errors.append(error)
    if errors:
        message = "finalizers failed when the interpreter ended"
        raise ExceptionGroup(message, errors)
