"""What workers of tests load and call: what a node does stands in its message."""

import ctypes  # noqa: F401  # bodies use it
import os
import signal  # noqa: F401  # bodies use it
import socket
import sys  # noqa: F401  # bodies use it
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import cast

LOADED: list[str] = []


def preload() -> None:
    LOADED.append("preload")


def preload_that_prints() -> None:
    preload()
    print("loading")  # noqa: T201  # what workers must not repeat


def preload_with_a_thread() -> None:
    preload()
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()


def preload_that_fails() -> None:
    raise ImportError("there is no module of that name")


def entry(message: Mapping[str, object]) -> dict[str, object]:
    """Do what the message says, and answer that the node has succeeded."""
    node = cast("str", message["node"])
    state, error = "succeeded", None
    names: dict[str, object] = {**globals(), "message": message, "answer": None}
    try:
        exec(cast("str", message["body"]), names)  # noqa: S102  # a body of a test
    except KeyboardInterrupt:
        state = "cancelled"
    except BaseException as caught:  # noqa: BLE001  # as the entry of the product
        state, error = "failed", {"type": type(caught).__qualname__, "text": str(caught), "traceback": ""}
    if names["answer"] is not None:
        return cast("dict[str, object]", names["answer"])
    outcome = {
        "schema": "oneml.outcome/1",
        "node": node,
        "state": state,
        "attempt": message["attempt"],
        "seconds": 0.0,
        "error": error,
        "ports": {},
        "ended_at": "",
    }
    return {"node": node, "outcome": outcome, "committed": True}


def daemon(pid_file: str) -> None:
    """Leave a process behind that has a session of its own and whose parent has ended."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            note(pid_file)
            time.sleep(600)
        os._exit(0)
    os.wait()
    while not Path(pid_file).exists():
        time.sleep(0.01)


def note(pid_file: str) -> None:
    """Write down which process this is."""
    partial = Path(pid_file + ".partial")
    partial.write_text(f"{os.getpid()}\n")
    partial.replace(pid_file)


def is_socket(descriptor: int) -> bool:
    """Tell whether a descriptor is a socket, as a node would that writes where it should not."""
    try:
        socket.socket(fileno=os.dup(descriptor)).close()
    except OSError:
        return False
    return True
