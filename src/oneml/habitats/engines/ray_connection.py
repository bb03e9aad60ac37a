"""Joins a cluster of Ray, or starts one that only this machine can reach and that ends with the session."""

import atexit
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import cast

from oneml.habitats.engines.left_behind import done_within
from oneml.habitats.engines.ray_api import RayApi
from oneml.habitats.engines.ray_guard import guarded
from oneml.habitats.engines.ray_options import RayOptions
from oneml.habitats.errors import EngineError, MissingLibraryError

OBJECT_STORE_BYTES = 512 << 20
"""Of an embedded cluster: what travels by it is small; what is large lies in the artifact store."""

_SOCKET_PATH_MAX_BYTES = 38
"""Of the folder of an embedded cluster: Ray makes sockets far below it, and a path to one has at most 107 bytes."""

_TRIES = "RAY_gcs_server_port_wait_time_s"
"""Of Ray to connect where somebody answers, who may be no Ray: one takes up to 40 s, and without it there are 20."""

_LEAVE_SECONDS = 10.0

_QUIET = {"log_to_driver": False, "logging_level": "error"}
"""What nodes write comes another way, masked."""


def joins(options: RayOptions) -> bool:
    """Tell whether there is a cluster already, which is not this session's alone."""
    return _initialised() is not None or _address(options) is not None


@contextmanager
def connected(options: RayOptions, workers: int | None) -> Generator[RayApi]:
    """Give Ray, connected; what this made is ended on leaving, and what was there is left alone.

    Args:
        options: Of the engine.
        workers: How many nodes an embedded cluster runs at once; None for the number of processors.

    Raises:
        EngineError: There is no cluster, it refuses, or none can be started.
        MissingLibraryError: Ray is not installed here.
    """
    ray = _initialised()
    if ray is not None:
        yield ray
        return
    address = _address(options)
    if address is not None:
        with _joined(address, options) as ray:
            yield ray
        return
    with _embedded(options, workers) as ray:
        yield ray


def _address(options: RayOptions) -> str | None:
    """Return where the cluster is; None where one is to be started, which Ray calls ``local``."""
    address = options.address or os.environ.get("RAY_ADDRESS") or "local"
    return None if address == "local" else address


def _initialised() -> RayApi | None:
    ray = cast("RayApi | None", sys.modules.get("ray"))
    return ray if ray is not None and ray.is_initialized() else None


@contextmanager
def _joined(address: str, options: RayOptions) -> Generator[RayApi]:
    _check_that_somebody_listens(address, options.connect_seconds)
    ray = _imported()
    arguments = {**_QUIET, "address": address, "namespace": options.namespace, **options.init}
    with _variables({_TRIES: os.environ.get(_TRIES, "1")}):
        _init(ray, arguments, f"the cluster at {address} cannot be joined")
    try:
        yield ray
    except EngineError:  # a head that hangs, for which Ray would wait for good, is left alone after a while
        if not done_within(_LEAVE_SECONDS, ray.shutdown, name="oneml-ray-leave"):
            atexit.unregister(ray.shutdown)
        raise
    except BaseException:
        ray.shutdown()
        raise
    ray.shutdown()


@contextmanager
def _embedded(options: RayOptions, workers: int | None) -> Generator[RayApi]:
    """Start a cluster bound to the loopback interface, which demands a token that only this user can read."""
    _check_that_interpreters_are_here(options)
    with _folder() as folder:
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(32))
        told = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": None,
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ADDRESS": None,
        }
        with _variables(told):
            ray = _imported()
            _read_authentication_again()
            arguments = {
                **_QUIET,
                "num_cpus": workers or os.cpu_count() or 1,
                "include_dashboard": False,
                "namespace": options.namespace,
                "object_store_memory": OBJECT_STORE_BYTES,
                "_node_ip_address": "127.0.0.1",
                "_temp_dir": str(folder / "r"),  # which Ray opens to everybody
                **options.init,
            }
            _init(ray, arguments, "no cluster can be started on this machine")
            try:
                yield ray
            finally:
                ray.shutdown()
        with suppress(EngineError):
            _read_authentication_again()


def _imported() -> RayApi:
    """Return Ray, which is told not to print about killed workers: outcomes tell of them."""
    hidden = {"RAY_DEDUP_LOGS_SKIP_REGEX": os.environ.get("RAY_DEDUP_LOGS_SKIP_REGEX", "A worker died or was killed")}
    try:
        with _variables(hidden):
            return cast("RayApi", import_module("ray"))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "ray":
            raise
        raise MissingLibraryError(library="Ray", extra="ray") from error


def _init(ray: RayApi, arguments: Mapping[str, object], failure: str) -> None:
    """Call ``ray.init``, and put back the handler of SIGTERM that it replaces.

    Raises:
        EngineError: Ray's own refusal, in its words.
    """
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM) if main else None
    try:
        ray.init(**arguments)
    except Exception as error:
        with suppress(Exception):
            ray.shutdown()
        reason = f"{failure}: {type(error).__name__}: {str(error).strip()[:2000].rstrip('.')}"
        raise EngineError(engine="ray", reason=reason) from error
    finally:
        if main:
            signal.signal(signal.SIGTERM, signal.SIG_DFL if handler is None else handler)


def _check_that_somebody_listens(address: str, timeout_seconds: float) -> None:
    """Find out soon what Ray would find out after minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout_seconds).close()
    except (OSError, UnicodeError) as error:  # the latter of what can be no name of a machine
        reason = f"nobody answers at {address}: {error}. Start a cluster (ray start --head), or correct the address"
        raise EngineError(engine="ray", reason=reason) from error


def _check_that_interpreters_are_here(options: RayOptions) -> None:
    """Refuse what Ray would try to start for ever, while nothing else can be started."""
    for name, image in options.images.items():
        words = str(image.get("py_executable", "")).split()
        if words and shutil.which(words[0]) is None:
            reason = f'image "{name}" names the interpreter {words[0]}, and there is none on this machine'
            raise EngineError(engine="ray", reason=reason)


def _read_authentication_again() -> None:
    """Let Ray look at the variables of authentication, which it read when it was imported.

    Raises:
        EngineError: This Ray knows no authentication.
    """
    try:
        native = import_module("ray._raylet")
        initialize = cast("Callable[[str], None]", native.Config.initialize)
        reset = cast("Callable[[], None]", native.AuthenticationTokenLoader.instance().reset_cache)
    except (AttributeError, ImportError) as error:
        reason = "an embedded cluster needs authentication, which came with Ray 2.52. Upgrade Ray, or give an address"
        raise EngineError(engine="ray", reason=reason) from error
    initialize("")
    reset()


@contextmanager
def _folder() -> Generator[Path]:
    """Give a folder for all that Ray writes; it is removed on leaving."""
    base = tempfile.gettempdir()
    if len(os.fsencode(base)) > _SOCKET_PATH_MAX_BYTES - len("/oneml-ray-12345678"):
        base = "/tmp"  # noqa: S108  # mkdtemp makes the folder, for this user alone
    folder = Path(tempfile.mkdtemp(prefix="oneml-ray-", dir=base))
    with guarded(folder):
        yield folder


@contextmanager
def _variables(values: Mapping[str, str | None]) -> Generator[None]:
    """Set environment variables for the time of the block; None removes one."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
