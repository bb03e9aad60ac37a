"""A worker process that runs one node after the other, as it is told over a socket."""

import faulthandler
import os
import signal
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from typing import cast

from oneml.habitats.engines.frames import frame, read_frame
from oneml.habitats.engines.kinship import LINUX, adopt_orphans, die_with_parent, flush_c_streams
from oneml.habitats.engines.memory_limit import fits, memory_limited, taken_bytes
from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.values.json_value import JsonObject

Entry = Callable[[JsonObject], JsonObject]


def named_function(name: str) -> Callable[..., object]:
    """Return the function that ``module:function`` names."""
    module, _, attribute = name.partition(":")
    return cast("Callable[..., object]", getattr(import_module(module), attribute))


def main() -> None:
    """Serve as a worker that was started afresh: channel, parent, entry and preload stand on the command line."""
    channel, parent, entry, preload = sys.argv[1:5]
    become_worker(int(parent))
    named_function(preload)()
    serve(socket.socket(fileno=int(channel)), cast("Entry", named_function(entry)))


def become_worker(parent: int) -> None:
    """End with the parent, keep what descends from this process, and show lines when they are written."""
    die_with_parent(parent, signal.SIGKILL)
    adopt_orphans()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # text streams, as Python made them
    faulthandler.enable()


def serve(channel: socket.socket, entry: Entry) -> None:
    """Run what is asked for until the channel is closed by the other side."""
    worker, fresh = os.getpid(), True
    with channel:
        while (request := read_frame(channel)) is not None:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a body may have changed them
            signal.signal(signal.SIGINT, signal.default_int_handler)
            answer = _answer(request, entry, fresh=fresh)
            if os.getpid() != worker:
                os._exit(1)  # a body forked, and its child came back here
            fresh = False
            _flush()
            channel.sendall(answer)


def _answer(request: JsonObject, entry: Entry, *, fresh: bool) -> bytes:
    limit = cast("int | None", request["memory_bytes"]) if LINUX else None
    if limit is not None and not fits(limit, taken := taken_bytes(), fresh=fresh):
        return frame({"unfit": taken})
    with memory_limited(limit):
        reply = entry(cast("JsonObject", request["message"]))
    try:
        return frame({"reply": reply})
    except (InvalidDocumentError, RecursionError, TypeError, ValueError) as error:
        return frame({"unsendable": f"{type(error).__name__}: {error}"[:1000].encode(errors="replace").decode()})


def _flush() -> None:
    """Show what the node has written, that of libraries in C included, before it is said to have ended."""
    flush_c_streams()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: BLE001, S112  # a body has closed it, or put something of its own there
            continue
