"""Runs coroutines and asynchronous generators that bodies return, in the context of the node.

In the main thread an interrupt is raised where the coroutine is; elsewhere somebody has to look whether the session was
asked to stop. Either way the coroutine is cancelled, and may clean up. Under a running loop, as notebooks have one,
another thread runs it.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from types import CoroutineType, FrameType, TracebackType
from typing import Any, Protocol, TypeVar, cast

from oneml.habitats.sessions.interrupts import Interrupts

WATCH_SECONDS = 0.1
"""How long a request to stop may go unseen by a coroutine in another thread."""

T = TypeVar("T")


class _Run(Protocol):
    """Runs a coroutine in one loop."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T: ...


def awaited(coroutine: Coroutine[Any, Any, T], interrupts: Interrupts) -> T:
    """Run a coroutine to its end, and return what it gives.

    Raises:
        KeyboardInterrupt: The session was asked to stop; the coroutine was cancelled. It comes from where that waited.
        BaseException: Whatever it raises.
    """
    with _loop(interrupts) as run:
        try:
            return run(coroutine)
        except KeyboardInterrupt as error:
            raise error.with_traceback(_waits_at(coroutine) or error.__traceback__) from None


def yielded(items: AsyncIterator[T], interrupts: Interrupts) -> Iterator[T]:
    """Give the items of an asynchronous generator, each when it is asked for; one loop runs it all."""
    with _loop(interrupts) as run:
        try:
            while True:
                try:
                    item = run(_next(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                run(_finished(close()))


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)


async def _finished(closing: Awaitable[None]) -> None:
    await closing


@contextmanager
def _loop(interrupts: Interrupts) -> Generator[_Run]:
    """Have a loop for the time of the block, and what runs a coroutine in it."""
    if not _is_loop_running():
        with asyncio.Runner() as runner:
            is_watched = threading.current_thread() is not threading.main_thread()

            def here(coroutine: Coroutine[Any, Any, T], /) -> T:
                return runner.run(_watched(coroutine, interrupts) if is_watched else coroutine)

            yield here
        return
    context = copy_context()
    with ThreadPoolExecutor(1) as executor:
        runner = executor.submit(context.run, asyncio.Runner).result()

        def elsewhere(coroutine: Coroutine[Any, Any, T], /) -> T:
            return executor.submit(context.run, runner.run, _watched(coroutine, interrupts)).result()

        try:
            yield elsewhere
        finally:
            executor.submit(runner.close).result()


def _waits_at(coroutine: Coroutine[Any, Any, Any]) -> TracebackType | None:
    """Return the lines at which a coroutine and those that it awaits wait, outermost first; None where it has ended."""
    waiting: list[FrameType] = []
    awaited: object = coroutine
    while isinstance(awaited, CoroutineType) and awaited.cr_frame is not None:
        waiting.append(awaited.cr_frame)
        awaited = cast("object", awaited.cr_await)
    place: TracebackType | None = None
    for frame in reversed(waiting):
        place = TracebackType(place, frame, frame.f_lasti, frame.f_lineno)
    return place


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _watched(coroutine: Coroutine[Any, Any, T], interrupts: Interrupts) -> T:
    task = asyncio.ensure_future(coroutine)
    before = interrupts.count
    while not (await asyncio.wait({task}, timeout=WATCH_SECONDS))[0]:
        if interrupts.count > before:
            before = interrupts.count
            task.cancel()
    if task.cancelled() and interrupts.count:
        raise KeyboardInterrupt
    return task.result()
