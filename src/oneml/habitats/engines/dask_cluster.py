"""Runs nodes on Dask: the plan goes to its scheduler with dependencies, replies come back in batches."""

import asyncio
import logging
import os
import signal
import tempfile
import uuid
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import metadata
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, cast

from oneml.habitats.engines.dask_options import DaskOptions
from oneml.habitats.engines.dask_ports import DaskClient
from oneml.habitats.engines.needed_library import check_installed
from oneml.habitats.errors import EngineError, MissingLibraryError
from oneml.habitats.ports.engine import Capability, EngineContext, EngineRun

if TYPE_CHECKING:
    from distributed import Client
    from distributed.deploy.cluster import Cluster

LEAVING_SECONDS = 2.0
"""How long those who hang are waited for when a session is left."""

_PLUGIN_SECONDS = 60.0
"""How long workers of our own may take to load what nodes need."""


_SLOW_WORKER = (
    "a worker of the Dask cluster has not loaded what nodes need within {:g} s. Nodes that it is given wait for it: if "
    "it hangs, until the scheduler gives it up (distributed.scheduler.worker-ttl)"
)


class DaskEngine:
    """A cluster that exists, or one on this machine that ends with the session.

    Args:
        cluster: A cluster, which is left as it is; or what makes one, which is closed at the end; None for the option
            ``address``, then Dask's own ``scheduler-address``, then worker processes on this machine.
    """

    name = "dask"
    capabilities = frozenset(
        {
            Capability.SCHEDULES,
            Capability.TAGS,
            Capability.IMAGES,
            Capability.CPUS,
            Capability.GPUS,
            Capability.MEMORY_LIMIT,
            Capability.PRIORITY,
        }
    )

    def __init__(self, cluster: "Cluster | Callable[[], Cluster] | None" = None) -> None:
        self._cluster = cluster

    def preflight(self, options: Mapping[str, object]) -> None:
        """Let pass options that fit, where Dask is installed; see `Preflight`."""
        DaskOptions.of(options)
        check_installed("distributed", library="Dask", extra="dask")

    @contextmanager
    def open(self, context: EngineContext) -> Generator[EngineRun]:
        """Connect, and load in every worker what nodes need; on leaving, nodes that still run there are given up.

        Raises:
            EngineError: There is no scheduler, or it or a worker lacks this package.
            MissingLibraryError: Dask is not installed here.
        """
        try:
            from distributed import Client  # noqa: PLC0415  # 0.3 s, and an extra

            from oneml.habitats.engines.dask_run import DaskRun  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in {"dask", "distributed"}:
                raise
            raise MissingLibraryError(library="Dask", extra="dask") from error
        options = DaskOptions.of(context.options)
        if context.isolated:
            reason = "its workers run many nodes in one process. Use the process engine, or leave out --isolated"
            raise EngineError(engine="dask", reason=reason)
        topic = f"oneml-{uuid.uuid4().hex[:12]}"
        with ExitStack() as stack:
            target, marks = self._target(context, options, stack)
            client = stack.enter_context(_connected(Client, target, options.connect_seconds))
            plugin = _plugin(context, topic, marks)
            with _warm(client, plugin, topic, options.connect_seconds, is_ours=marks is not None):
                run = DaskRun(client, context, options, topic=topic, marks=marks)
                try:
                    yield run
                finally:
                    run.close()

    def _target(
        self, context: EngineContext, options: DaskOptions, stack: ExitStack
    ) -> "tuple[str | Cluster, Path | None]":
        """Return where to connect, and the folder of marks where the workers are on this machine and ours."""
        from dask import config  # noqa: PLC0415  # an extra

        cluster = self._cluster
        if callable(cluster):
            return cast("Cluster", stack.enter_context(_made(cluster))), None
        if cluster is not None:
            return _checked(cluster), None
        address = options.address or cast("str | None", config.get("scheduler-address", None))  # pyright: ignore[reportUnknownMemberType]  # partial
        if address is not None:
            return address, None
        marks = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oneml-dask-")))
        return stack.enter_context(_embedded(context.workers or os.cpu_count() or 1)), marks


def _made(make: "Callable[[], Cluster]") -> "Cluster":
    try:
        made = make()
    except Exception as error:
        reason = f"its cluster cannot be made: {type(error).__name__}: {error}"
        raise EngineError(engine="dask", reason=reason) from error
    return _checked(made)


def _checked(cluster: "Cluster") -> "Cluster":
    if not hasattr(cluster, "scheduler_address"):
        reason = f"its cluster is to be one of Dask's, or a function that makes one, not {cluster!r}"
        raise EngineError(engine="dask", reason=reason)
    return cluster


@contextmanager
def _embedded(workers: int) -> "Generator[Cluster]":
    """Start workers on this machine, which talk over the loopback interface; end them on leaving."""
    from distributed import LocalCluster  # noqa: PLC0415  # an extra
    from distributed.system import MEMORY_LIMIT  # noqa: PLC0415

    try:
        with _children_without_interrupts():
            cluster = LocalCluster(  # type: ignore[no-untyped-call]  # partial
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=cast("str", None),  # as its docs say, and not its types
                silence_logs=50,
                resources={"memory": MEMORY_LIMIT // workers},
                scheduler_kwargs={"allowed_failures": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"},
            )
    except (OSError, RuntimeError, TimeoutError) as error:
        reason = f"its workers cannot be started: {error}"
        raise EngineError(engine="dask", reason=reason) from error
    with cluster:
        yield cluster


@contextmanager
def _children_without_interrupts() -> Generator[None]:
    """Have threads that start in the block, and the processes that they start at any time, take no Ctrl-C.

    A terminal interrupts workers as well, and one that still starts would die of it; `WarmScope` sees to the others.
    """
    resource_tracker.ensure_running()  # of multiprocessing; where a thread has to start it, that lets Ctrl-C in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _connected(make: "type[Client]", target: "str | Cluster", seconds: float) -> "Generator[DaskClient]":
    from distributed.core import Status  # noqa: PLC0415  # an extra

    if not isinstance(target, str) and target.status in {Status.closing, Status.closed}:
        raise EngineError(engine="dask", reason=f"its cluster is closed: {target}")
    made = make.__new__(make)  # at hand, to be closed, also where it cannot connect and is left half open
    client = cast("DaskClient", made)
    log = logging.getLogger("distributed.client")
    log.addFilter(_tells_more_than_cancelled)
    try:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Mismatched versions")
                made.__init__(target, timeout=seconds, set_as_default=False)  # type: ignore[misc]
        except (OSError, RuntimeError, TimeoutError, TypeError, ValueError) as error:
            where = target if isinstance(target, str) else target.scheduler_address
            reason = f"no scheduler answers at {where}: {error}. Is it started, and is the address right?"
            raise EngineError(engine="dask", reason=reason) from error
        _warn_of_versions(client, seconds)
        yield client
    finally:
        with suppress(AttributeError, OSError, TimeoutError):  # it has no attributes yet where it refused at once
            client.close(timeout=seconds)
        log.removeFilter(_tells_more_than_cancelled)


def _tells_more_than_cancelled(record: logging.LogRecord) -> bool:
    """Tell whether a record is more than a traceback of what `Client.close` cancels: the search for a scheduler."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _warn_of_versions(client: DaskClient, seconds: float) -> None:
    """Tell where distributed differs; what counts for nodes is proven by each worker itself."""
    try:
        found = client.sync(partial(client.get_versions, check=False), callback_timeout=seconds)
    except TimeoutError:  # a worker hangs, which is told when it is to load what nodes need
        return
    ours = metadata.version("distributed")
    places: dict[str, object] = {"the scheduler": found["scheduler"], **found["workers"]}
    for place, versions in places.items():
        theirs = _distributed_version(versions)
        if theirs not in {None, ours}:
            warnings.warn(f"distributed is {ours} here and {theirs} at {place}: install one version", stacklevel=2)


def _distributed_version(versions: object) -> str | None:
    packages = cast("Mapping[str, object]", versions).get("packages") if isinstance(versions, dict) else None
    return cast("str | None", cast("Mapping[str, object]", packages).get("distributed")) if packages else None


def _plugin(context: EngineContext, topic: str, marks: Path | None) -> object:
    from oneml.habitats.engines.dask_worker import WarmScope  # noqa: PLC0415  # an extra

    return WarmScope(context.preload, context.masking, topic, None if marks is None else str(marks))


@contextmanager
def _warm(client: DaskClient, plugin: object, topic: str, seconds: float, *, is_ours: bool) -> Generator[None]:
    """Register what loads workers, for the time of the block; one of others that hangs is not waited for."""
    try:
        register = partial(client.register_plugin, plugin, name=topic)
        client.sync(register, callback_timeout=_PLUGIN_SECONDS if is_ours else seconds)
    except TimeoutError as error:
        if is_ours:
            reason = f"its workers have not loaded what nodes need within {_PLUGIN_SECONDS:g} s"
            raise EngineError(engine="dask", reason=reason) from error
        warnings.warn(_SLOW_WORKER.format(seconds), stacklevel=2)
    except Exception as error:
        raise EngineError(engine="dask", reason=missing_package(error) or f"a worker cannot start: {error}") from error
    try:
        yield
    finally:
        _leave(client, topic)


def _leave(client: DaskClient, topic: str) -> None:
    """Have workers send no more lines, and the scheduler forget those that it keeps, which nobody has masked."""
    from oneml.habitats.engines.dask_worker import forget_lines  # noqa: PLC0415  # an extra

    calls = partial(client.unregister_worker_plugin, topic), partial(client.run_on_scheduler, forget_lines, topic)
    for call in calls:
        if client.status == "running":
            with suppress(Exception):  # the scheduler or a worker is gone or hangs, and what it has with it
                client.sync(call, callback_timeout=LEAVING_SECONDS)


def missing_package(error: BaseException) -> str | None:
    """Return what to install where, if that is why Dask could not load what we sent; else None."""
    lacks = isinstance(error, ModuleNotFoundError) and (error.name or "oneml").startswith("oneml")
    if not lacks and "No module named 'oneml" not in str(error):
        return None
    return (
        "the scheduler or a worker does not have this package. Install it on the scheduler, and with the packages of "
        f"the habitat on every worker: {install_hint()}"
    )


def install_hint() -> str:
    """Return the command that installs this package as it is here."""
    return f"pip install 'oneml-habitats[dask]=={metadata.version('oneml-habitats')}'"
