"""Events of a session as lines of JSON, for programs that look on."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TextIO

from oneml.habitats.cli.printing import remark
from oneml.habitats.cli.tally import Tally
from oneml.habitats.ports.observer import Event, NodeLog, Observer, SessionEvent
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.times import rfc3339
from oneml.habitats.values.utf8_text import utf8_text

EVENT_SCHEMA = "oneml.event/1"


def utc_now() -> datetime:
    """Return the time of day, UTC."""
    return datetime.now(UTC)


class UntilBroken:
    """An observer that writes no more once its stream takes nothing: a full disk must not end, nor flood, a session.

    Args:
        write: Writes an event.
    """

    def __init__(self, write: Observer) -> None:
        self._write = write
        self._is_broken = False

    def __call__(self, event: Event) -> None:
        """Write an event; where that fails, say so once."""
        if not self._is_broken:
            self.attempt(partial(self._write, event))

    def attempt(self, act: Callable[[], None]) -> None:
        """Do something with the stream, such as close it; where that fails, say so unless something did before."""
        try:
            act()
        except OSError as error:
            if not self._is_broken:
                remark(f"Events are not written any more: {error.strerror or error}.")
            self._is_broken = True


class EventLines:
    """An observer that writes one JSON object a line for whatever happens.

    Members: ``schema``, ``time`` (RFC 3339, UTC), ``event`` (``session``, ``node`` or ``log``), ``session_id``; then
    of a session ``state``, ``ended`` and ``node_count``; of a node ``path``, ``label``, ``state``, ``attempt``,
    ``seconds``, ``detail``, ``reused_from``, ``ended`` and ``node_count``; of a line ``path``, ``label`` and ``line``.

    Args:
        stream: Where to; gives the text stream of now, which may be replaced while a command runs.
        label_of: Gives the values of a node of a fan-out, such as ``times=2``; empty for other nodes.
        ended: How many nodes have ended before.
        now: Time of day.
    """

    def __init__(
        self,
        stream: Callable[[], TextIO],
        *,
        label_of: Callable[[NodePath], str],
        ended: int = 0,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._stream = stream
        self._label_of = label_of
        self._tally = Tally(ended)
        self._now = now

    def __call__(self, event: Event) -> None:
        """Write an event.

        Raises:
            OSError: The stream takes no more.
        """
        line = json.dumps(self._fields(event), ensure_ascii=False)
        stream = self._stream()
        # In one piece, so that lines of other writers stand before or behind it.
        stream.write(f"{utf8_text(line)}\n")
        stream.flush()

    def _fields(self, event: Event) -> Mapping[str, JsonValue]:
        head: dict[str, JsonValue] = {"schema": EVENT_SCHEMA, "time": rfc3339(self._now())}
        if isinstance(event, NodeLog):
            return {
                **head,
                "event": "log",
                "session_id": event.session_id,
                "path": event.path,
                "label": self._label_of(event.path),
                "line": event.line,
            }
        self._tally.take(event)
        counts: dict[str, JsonValue] = {"ended": self._tally.ended, "node_count": self._tally.total}
        if isinstance(event, SessionEvent):
            head["time"] = rfc3339(event.at)
            return {**head, "event": "session", "session_id": event.session_id, "state": event.state.value, **counts}
        return {
            **head,
            "event": "node",
            "session_id": event.session_id,
            "path": event.path,
            "label": self._label_of(event.path),
            "state": event.state.value,
            "attempt": event.attempt,
            "seconds": event.seconds,
            "detail": event.detail,
            "reused_from": event.reused_from,
            **counts,
        }
