"""What is told of a node that was ended because its time was over."""

from oneml.habitats.ports.engine import NodeTask
from oneml.habitats.values.outcome import ErrorRecord

_INTERRUPTED = "KeyboardInterrupt"


def timed_out(task: NodeTask, told: str, *, more: str = "") -> ErrorRecord:
    """Return in words that a node did not end in time.

    Args:
        task: The node.
        told: Where it was interrupted, else the last lines that it wrote.
        more: What else there is to say.
    """
    text = (
        f"the node was ended after {task.timeout_seconds:g} s (timeout_seconds). "
        f"Correct what it waits for, or give it longer: --set '{task.path}:timeout_seconds=...'"
    )
    return ended_by_driver(ErrorRecord("TimeoutError", f"{text}. {more}" if more else text, ""), told)


def ended_by_driver(reason: ErrorRecord, told: str) -> ErrorRecord:
    """Return why the driver ended a node, with the place where it was interrupted, and not by what.

    Args:
        reason: Why.
        told: The traceback of the worker, or what the node wrote.
    """
    lines = told.rstrip().removesuffix(_INTERRUPTED)
    if lines == told.rstrip():
        return reason._replace(traceback=told)
    return reason._replace(traceback=f"{lines}{reason.summary()}\n")
