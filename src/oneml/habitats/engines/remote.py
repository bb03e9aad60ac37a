"""What engines share whose workers get plain data and give plain data back."""

import json
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import cast

from oneml.habitats.ports.engine import WorkerMessage, WorkerReply
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import ErrorRecord, NodeOutcome
from oneml.habitats.values.outcome_json import outcome_to_json
from oneml.habitats.values.states import NodeState


def call_entry(entry: str, message: WorkerMessage) -> WorkerReply:
    """Call what runs a node here; whatever happens is told in the reply, as text.

    Args:
        entry: ``module:function``.
        message: What the worker is told.
    """
    module, _, function = entry.partition(":")
    try:
        call = cast("Callable[[WorkerMessage], object]", getattr(import_module(module), function))
        reply = call(message)
    except BaseException as error:  # noqa: BLE001  # a worker answers, whatever a body does
        lines = "".join(traceback.format_exception(error))
        return failed_reply(message, ErrorRecord(type(error).__qualname__, str(error), lines))
    kind = type(reply).__name__
    if isinstance(reply, dict):
        told = cast("WorkerReply", reply)
        if isinstance(told.get("outcome"), dict):
            return told
    text = f"{entry} answered with a {kind} that is no reply"
    return failed_reply(message, ErrorRecord("WorkerEndedError", text, ""))


def run_remote(entry: str, packed: bytes, upstream: Sequence[bytes]) -> bytes:
    """Call what runs a node here, unless a node before it did not succeed: then the reply says ``pending``.

    Args:
        entry: ``module:function``.
        packed: What the worker is told.
        upstream: What the nodes before it answered, as far as they travel; the entry gets them in its message.
    """
    message = unpack(packed)
    before = [unpack(reply) for reply in upstream]
    if any(state_in(reply) is not NodeState.SUCCEEDED for reply in before):
        return pack(reply_of(NodeOutcome(path_of(message), NodeState.PENDING, 0)))
    reply = call_entry(entry, {**message, "upstream": before})
    try:
        return pack(reply)
    except (TypeError, ValueError, RecursionError) as error:
        text = f"{entry} answered with what cannot be serialised: {error}"
        return pack(failed_reply(message, ErrorRecord("WorkerEndedError", text, "")))


def pack(document: WorkerMessage | WorkerReply) -> bytes:
    """Return a message or a reply as it travels: JSON, so that nobody unpickles anything.

    Raises:
        TypeError: It is not plain data.
        ValueError: It contains itself.
    """
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True).encode()


def unpack(packed: bytes) -> WorkerReply:
    """Return what `pack` was given."""
    return cast("WorkerReply", json.loads(packed))


def failed_reply(message: WorkerMessage, error: ErrorRecord) -> WorkerReply:
    """Return the reply of a node that failed outside of what its entry tells."""
    return reply_of(NodeOutcome(path_of(message), NodeState.FAILED, 0, None, error))


def reply_of(outcome: NodeOutcome) -> WorkerReply:
    """Return a reply that tells an outcome; nothing is committed by it."""
    return {"node": outcome.path, "outcome": outcome_to_json(outcome), "committed": False}


def state_in(reply: WorkerReply) -> NodeState:
    """Return the state that a reply tells."""
    outcome = reply["outcome"]
    return NodeState(str(outcome["state"])) if isinstance(outcome, dict) else NodeState.FAILED


def path_of(message: WorkerMessage) -> NodePath:
    """Return the node that a message is about."""
    return NodePath(str(message["node"]))
