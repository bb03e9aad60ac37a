"""Engines by name, each imported only when a session uses it."""

from importlib import import_module
from typing import cast

from oneml.habitats.errors import UnknownEngineError
from oneml.habitats.ports.engine import Engine

_BUILT_IN = {
    "in-process": "oneml.habitats.engines.in_process:InProcessEngine",
    "process": "oneml.habitats.engines.process:ProcessEngine",
}


def engine_names() -> tuple[str, ...]:
    """Return the names of all engines."""
    return tuple(sorted(_BUILT_IN))


def engine_by_name(name: str) -> Engine:
    """Return the engine of that name.

    Raises:
        UnknownEngineError: There is none.
    """
    target = _BUILT_IN.get(name)
    if target is None:
        raise UnknownEngineError(name=name, known=engine_names())
    module, _, attribute = target.partition(":")
    return cast("Engine", getattr(import_module(module), attribute)())
