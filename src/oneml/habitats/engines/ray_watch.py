"""Asks the head of the cluster, on a thread of its own, what workers noted and which machines there are."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import cast

from oneml.habitats.engines.ray_api import RayApi
from oneml.habitats.engines.ray_notes import Note, Notes

LOST_SECONDS = 15.0
"""Without an answer of the head for so long, the cluster is lost. After 60 s Ray would end this process."""

_NOTES_SECONDS = 0.2
_NODES_SECONDS = 2.0
_JOIN_SECONDS = 2.0


class ClusterWatch:
    """A head that is gone leaves a call hanging, which must not be one of the session's thread.

    Args:
        ray: Connected.
        notes: Of the session.
    """

    def __init__(self, ray: RayApi, notes: Notes) -> None:
        self._ray = ray
        self._notes = notes
        self._here = ray.get_runtime_context().get_node_id()
        self._taken: SimpleQueue[Note] = SimpleQueue()
        self._offers: Sequence[Mapping[str, float]] = ()
        self._gone = ""
        self._asked_nodes_at = -_NODES_SECONDS
        self._answered_at = time.monotonic()
        self._wake = threading.Event()
        self._stop = False
        self._error = ""
        self._look_at_nodes()
        self._thread = threading.Thread(target=self._attend, name="oneml-ray-watch", daemon=True)
        self._thread.start()

    def taken(self, timeout_seconds: float = 0.0) -> Sequence[Note]:
        """Return the notes that have come; with a time to wait, ask for them at once and wait for one."""
        found: list[Note] = []
        if timeout_seconds:
            self._wake.set()
            try:
                found.append(self._taken.get(timeout=timeout_seconds))
            except Empty:
                return ()
        while not self._taken.empty():
            found.append(self._taken.get())
        return found

    def offers(self) -> Sequence[Mapping[str, float]]:
        """Return the resources of each machine, as when nothing runs there; at most some seconds old."""
        return self._offers

    def lost(self) -> str | None:
        """Return in words why the cluster is lost; None while it is not."""
        if self._gone:
            return self._gone
        if time.monotonic() - self._answered_at > LOST_SECONDS:
            return f"its head has not answered for {LOST_SECONDS:g} s {self._error}".rstrip()
        return None

    def close(self) -> None:
        """Remove what notes there are, and end; a call that hangs is left alone."""
        self._stop = True
        self._wake.set()
        self._thread.join(_JOIN_SECONDS)

    def _attend(self) -> None:
        while not self._stop:
            self._wake.wait(_NOTES_SECONDS)
            self._wake.clear()
            try:
                for note in self._notes.take():
                    self._taken.put(note)
                self._look_at_nodes()
            except Exception as error:  # noqa: BLE001  # Ray's errors are many; that there is no answer counts
                self._error = f"({type(error).__name__}: {str(error)[:300]})"
            else:
                self._answered_at = time.monotonic()
        with suppress(Exception):  # a head that is gone has no notes
            self._notes.clear()

    def _look_at_nodes(self) -> None:
        now = time.monotonic()
        if now - self._asked_nodes_at < _NODES_SECONDS:
            return
        self._asked_nodes_at = now
        nodes = self._ray.nodes()
        self._offers = [cast("Mapping[str, float]", node["Resources"]) for node in nodes if node["Alive"]]
        if any(node["NodeID"] == self._here and not node["Alive"] for node in nodes):
            self._gone = "the process of Ray that connects this machine with it (raylet) has ended"
