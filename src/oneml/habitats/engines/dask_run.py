"""Dask at work for one session: tasks out, replies in, and what becomes of the tasks of killed workers."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from distributed.client import ClosedClientError
from distributed.scheduler import KilledWorker

from oneml.habitats.engines.dask_cluster import LEAVING_SECONDS, install_hint, missing_package
from oneml.habitats.engines.dask_needs import Resources, Unoffered, resources_of
from oneml.habitats.engines.dask_options import DaskOptions
from oneml.habitats.engines.dask_ports import DaskClient, DaskFuture
from oneml.habitats.engines.dask_worker import marked_numbers, run_node, running
from oneml.habitats.engines.remote import pack, state_in, unpack
from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import EngineContext, NodeTask, WorkerReply
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome
from oneml.habitats.values.states import NodeState

T = TypeVar("T")

SLOTS = 2000
"""Nodes handed to the scheduler at a time: enough to keep hundreds of workers busy, few enough for its memory."""

LINGER_SECONDS = 0.1
"""How long a first reply waits for others, which are then fetched and committed with it."""

INNOCENT_TIMES_MAX = 20
"""How often a node is handed over again that only waited where a worker was killed."""

_ANSWER_SECONDS = 20.0
_LATE_SECONDS = 1.0
_LATE_SECONDS_ALL = 5.0
_CHECKS_PER_LIMIT = 4


class _Held:
    """A node that was submitted and has not come back."""

    __slots__ = ("future", "innocent_times", "key", "number", "resources", "task")

    def __init__(self, task: NodeTask, number: int, key: str, innocent_times: int) -> None:
        self.task = task
        self.number = number
        self.key = key
        self.resources = resources_of(task.needs)
        self.innocent_times = innocent_times
        self.future: DaskFuture | None = None


class DaskRun:
    """An `EngineRun` over a connected client.

    Args:
        client: Whose scheduler takes the nodes.
        context: Of the session.
        options: Of the engine.
        topic: Of this opening; keys begin with it, and lines come by it.
        marks: Where workers write down what they run, if they are on this machine.
    """

    slots = SLOTS

    def __init__(
        self, client: DaskClient, context: EngineContext, options: DaskOptions, *, topic: str, marks: Path | None
    ) -> None:
        self._client = client
        self._context = context
        self._options = options
        self._topic = topic
        self._marks = marks
        self._count = 0
        self._held: dict[str, _Held] = {}
        self._keys: dict[NodePath, str] = {}
        self._unsent: list[_Held] = []
        self._again: set[str] = set()
        self._late: set[str] = set()
        self._unsucceeded: set[NodePath] = set()
        self._returned: list[NodeOutcome] = []
        self._arrived: SimpleQueue[str] = SimpleQueue()
        self._unoffered = Unoffered(options.unschedulable_seconds)
        self._check_seconds = min(2.0, options.unschedulable_seconds / _CHECKS_PER_LIMIT)
        self._check_at = time.monotonic() + self._check_seconds
        self._grace_until = float("inf")
        self._is_lost = False
        client.subscribe_topic(topic, self._on_lines)

    def submit(self, task: NodeTask) -> None:
        """Take a node; it is sent with its neighbours as soon as one is waited for."""
        self._hold(task, innocent_times=0)

    def wait(self, timeout_seconds: float | None = None) -> Sequence[NodeOutcome]:
        """Send what was submitted, and return what has ended.

        Raises:
            EngineError: The scheduler is lost.
        """
        deadline = float("inf") if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._send()
        while True:
            outcomes, self._returned = self._returned, []
            if not outcomes and self._held:
                outcomes = self._settle(self._collect(deadline))
                now = time.monotonic()
                if now >= self._check_at:
                    outcomes += self._check()
                if now >= self._grace_until:
                    self.cancel(now=True)
            self._unsucceeded.update(outcome.path for outcome in outcomes if outcome.state is not NodeState.SUCCEEDED)
            self._send()
            if outcomes or not (self._held or self._returned) or time.monotonic() >= deadline:
                return outcomes

    def cancel(self, *, now: bool) -> None:
        """Take back what has not started; what runs cannot be ended: it is given up, politely after a while."""
        if not now:
            self._grace_until = min(self._grace_until, time.monotonic() + self._options.grace_seconds)
        started: set[int] = set() if now else self._running()
        back = [held for held in self._held.values() if held.number not in started]
        self._give_up(back, lambda held: self._cancelled(held, started=now))

    def close(self) -> None:
        """Forget every node; those that run end by themselves, unless their worker is ours and ends now."""
        if self._is_lost:
            with suppress(OSError, TimeoutError):  # nobody listens any more
                self._client.close(timeout=LEAVING_SECONDS)
        else:
            self._take_back(list(self._held.values()))
        self._held.clear()

    def _hold(self, task: NodeTask, *, innocent_times: int) -> None:
        self._count += 1
        name = task.path.rpartition("/")[2]
        key = f"{self._topic}-{self._count}-{name}"
        held = _Held(task, self._count, key, innocent_times)
        self._held[key] = held
        self._keys[task.path] = key
        self._unsucceeded.discard(task.path)
        self._unsent.append(held)

    def _send(self) -> None:
        """Hand over what was submitted: neighbours with equal needs and priority in one graph."""
        unsent, self._unsent = self._unsent, []
        for (resources, priority), group in groupby(unsent, key=lambda held: (held.resources, held.task.priority)):
            batch = [held for held in group if held.key in self._held and not self._is_idle(held)]
            if batch:
                self._send_batch(batch, resources, priority)

    def _is_idle(self, held: _Held) -> bool:
        """Tell whether a node before it came back without success, in which case it comes back as well."""
        if self._unsucceeded.isdisjoint(held.task.after):
            return False
        self._returned.append(self._pending(held))
        return True

    def _pending(self, held: _Held) -> NodeOutcome:
        self._drop(held)
        self._unsucceeded.add(held.task.path)
        return NodeOutcome(held.task.path, NodeState.PENDING, 0)

    def _send_batch(self, batch: Sequence[_Held], resources: Resources, priority: int) -> None:
        graph = {held.key: self._task(held) for held in batch}
        try:
            futures = self._client.get(
                graph,
                list(graph),
                sync=False,
                resources=dict(resources) or None,
                priority=priority,
                retries=0,
                fifo_timeout="0 s",
            )
        except (OSError, ClosedClientError) as error:
            raise self._lost() from error
        for held, future in zip(batch, futures, strict=True):
            held.future = future
            future.add_done_callback(self._on_done)

    def _task(self, held: _Held) -> tuple[object, ...]:
        """Return a task of Dask's: a function and what it is called with, keys standing for what they will give."""
        upstream: list[object] = []
        for path in held.task.after:
            key = self._keys.get(path)
            if key is None:
                continue  # it has come back, so its outputs are in the store
            before = self._held[key]
            upstream.append(key if before.future is None else before.future)
        packed = pack(self._context.message(held.task, self._options.inline_max_bytes))
        return run_node, self._context.entry, self._topic, held.number, held.task.path, packed, upstream

    def _on_done(self, future: DaskFuture) -> None:
        self._arrived.put(str(future.key))

    def _on_lines(self, event: "tuple[float, tuple[str, Sequence[str]]]") -> None:
        _, (path, lines) = event
        for line in lines:
            self._context.log(NodePath(path), self._context.mask(line))

    def _collect(self, deadline: float) -> Sequence[_Held]:
        """Wait until a task ended, or for a while; others that end with it come along."""
        now = time.monotonic()
        try:
            until = min(deadline, self._check_at, self._grace_until)
            keys = [self._arrived.get(timeout=max(0.0, until - now))]
        except Empty:
            return ()
        until = min(deadline, time.monotonic() + LINGER_SECONDS)
        while len(keys) < len(self._held):
            try:
                keys.append(self._arrived.get(timeout=max(0.0, until - time.monotonic())))
            except Empty:
                break
        return [self._held[key] for key in dict.fromkeys(keys) if key in self._held]

    def _settle(self, ended: Sequence[_Held]) -> list[NodeOutcome]:
        """Return the outcomes of tasks that ended, except of those that have to go on."""
        replies = self._gather([held for held in ended if _status(held) == "finished"])
        idle = {key for key, reply in replies.items() if state_in(reply) is NodeState.PENDING}
        told = [reply for key, reply in replies.items() if key not in idle]
        outcomes = list(self._context.take(told)) if told else []
        for key in replies.keys() - idle:
            self._drop(self._held[key])
        outcomes += [self._pending(self._held[key]) for key in idle]
        failed = [held for held in ended if held.key in self._held and _status(held) in {"error", "cancelled"}]
        for held in sorted(failed, key=lambda held: held.number):
            outcomes += self._explain(held)
        return outcomes

    def _gather(self, finished: Sequence[_Held]) -> Mapping[str, WorkerReply]:
        """Fetch replies; one whose worker was lost meanwhile is made again by Dask, and is looked for at each check."""
        futures = {held.key: held.future for held in finished if held.future is not None}
        late = [key for key in futures if key in self._late]
        soon = {key: future for key, future in futures.items() if key not in self._late}
        replies: dict[str, bytes | None] = {}
        try:
            replies.update(self._fetch(soon, _ANSWER_SECONDS))
        except TimeoutError:
            late = list(futures)
        give_up_at = time.monotonic() + _LATE_SECONDS_ALL
        for key in late:  # each by itself, so that a worker that hangs keeps back its own replies alone
            if time.monotonic() >= give_up_at:
                break
            self._late.add(key)
            with suppress(TimeoutError):
                replies.update(self._fetch({key: futures[key]}, _LATE_SECONDS))
                self._late.discard(key)
        return {key: unpack(reply) for key, reply in replies.items() if reply is not None}

    def _fetch(self, futures: Mapping[str, DaskFuture], seconds: float) -> Mapping[str, bytes | None]:
        if not futures:
            return {}
        fetch = partial(self._client.gather, futures, errors="skip", asynchronous=True)
        try:
            return self._client.sync(fetch, callback_timeout=seconds)
        except TimeoutError:
            raise
        except OSError as error:  # the connection to the scheduler, which fetches them
            raise self._lost() from error

    def _explain(self, held: _Held) -> Iterable[NodeOutcome]:
        """Return the outcome of a task that gave no reply; nothing where it is handed over again."""
        error = None
        if held.future is not None and held.future.status == "error":
            error = held.future.exception(timeout=_ANSWER_SECONDS)
        if self._client.status != "running":
            raise self._lost()
        if isinstance(error, KilledWorker):
            blamed = str(error.task)
            if self._is_innocent(blamed) and held.innocent_times < INNOCENT_TIMES_MAX:
                self._again.add(blamed)
                self._drop(held)
                self._hold(held.task, innocent_times=held.innocent_times + 1)
                return ()
        else:
            blamed = held.key
        if blamed != held.key or not self._unsucceeded.isdisjoint(held.task.after):
            return (self._pending(held),)
        return (self._failed(held, _record(error)),)

    def _is_innocent(self, key: str) -> bool:
        """Tell whether a task only waited where a worker was killed; known only of workers on this machine."""
        if self._marks is None:
            return False
        number = int(key.removeprefix(f"{self._topic}-").partition("-")[0])
        return key in self._again or number not in marked_numbers(self._marks)

    def _failed(self, held: _Held, error: ErrorRecord) -> NodeOutcome:
        """Return the outcome of a node whose worker cannot tell: the store may hold its commit."""
        self._drop(held)
        path = held.task.path
        self._unsucceeded.add(path)
        attempt = self._context.last_attempt(path)
        known = self._context.known(path, attempt)
        if known is not None and known.state is NodeState.SUCCEEDED:
            self._unsucceeded.discard(path)
            return known
        return NodeOutcome(path, NodeState.FAILED, attempt, None, error)

    def _check(self) -> list[NodeOutcome]:
        """Return the outcomes of nodes that no worker will ever take; look again for replies that were lost."""
        self._check_at = time.monotonic() + self._check_seconds
        for held in self._held.values():
            if _status(held) in {"finished", "error", "cancelled"}:
                self._arrived.put(held.key)
        if self._client.status != "running":
            raise self._lost()
        try:
            workers = self._ask(self._client.scheduler.identity)["workers"]
        except (OSError, TimeoutError) as error:
            raise self._lost() from error
        offers = [worker["resources"] for worker in workers.values()]
        overdue = self._unoffered.overdue({held.resources for held in self._held.values()}, offers)
        if not overdue:
            return []
        late = [held for held in self._held.values() if held.resources in overdue]
        self._take_back(late)
        return [
            self._failed(held, ErrorRecord("EngineError", f'Engine "dask" failed: {overdue[held.resources]}.', ""))
            for held in late
        ]

    def _running(self) -> set[int]:
        """Ask every worker which nodes of ours it runs; where one hangs nobody knows, and nothing is waited for."""
        ask = partial(self._client.run, running, self._topic, on_error="ignore", asynchronous=True)
        seconds = min(_ANSWER_SECONDS, self._options.grace_seconds)
        try:
            told = self._client.sync(ask, callback_timeout=seconds)
            return {number for numbers in told.values() for number in numbers}
        except (OSError, TimeoutError):
            return set()

    def _cancelled(self, held: _Held, *, started: bool) -> NodeOutcome:
        attempt = self._context.last_attempt(held.task.path) if started else 0
        return NodeOutcome(held.task.path, NodeState.CANCELLED, attempt)

    def _give_up(self, back: Sequence[_Held], outcome: Callable[[_Held], NodeOutcome]) -> None:
        self._take_back(back)
        for held in back:
            self._drop(held)
            self._returned.append(outcome(held))

    def _take_back(self, back: Sequence[_Held]) -> None:
        futures = [held.future for held in back if held.future is not None]
        if futures and self._client.status == "running":
            try:
                self._ask(partial(self._client.cancel, futures, asynchronous=True))
            except (OSError, TimeoutError) as error:
                raise self._lost() from error

    def _drop(self, held: _Held) -> None:
        """Let go of a node: Dask keeps its reply as long as nodes after it, which it has already, wait for it."""
        del self._held[held.key]
        self._late.discard(held.key)
        if self._keys.get(held.task.path) == held.key:
            del self._keys[held.task.path]

    def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        return self._client.sync(call, callback_timeout=_ANSWER_SECONDS)

    def _lost(self) -> EngineError:
        self._is_lost = True
        reason = (
            f"the scheduler is lost, and with it {len(self._held)} nodes that had not come back. What was committed "
            "is kept: start the scheduler again and resume the session"
        )
        return EngineError(engine="dask", reason=reason)


def _status(held: _Held) -> str:
    return "pending" if held.future is None else str(held.future.status)


def _record(error: BaseException | None) -> ErrorRecord:
    """Return in words why Dask gave no reply."""
    if error is None:
        return ErrorRecord("WorkerEndedError", "Dask took the node back: somebody cancelled it or restarted Dask", "")
    if isinstance(error, KilledWorker):
        worker, ends = error.last_worker, error.allowed_failures + 1
        times = "once" if ends == 1 else f"{ends} times"
        text = (
            f"its worker ended before the node did, {times}, last at {worker.address} (KilledWorker). "
            f"See its log: no memory, a crash, a kill, or no {install_hint()}"
        )
        return ErrorRecord("WorkerEndedError", text, "")
    missing = missing_package(error)
    if missing is not None:
        return ErrorRecord("EngineError", f'Engine "dask" failed: {missing}.', "")
    return ErrorRecord(type(error).__qualname__, f"Dask could not run the node or carry its reply: {error}", "")
