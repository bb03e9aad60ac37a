"""Engines by name, each imported only when a session uses it: those of this package, of others, and given ones."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import cast

from oneml.habitats.errors import EnginePluginError, NotAnEngineError, UnknownEngineError
from oneml.habitats.ports.engine import Capability, Engine
from oneml.habitats.values.plugins import made_plugin, plugin_origin

GROUP = "oneml.engines"
"""Entry points of other distributions: a name in settings, and a class that is called without arguments."""

_BUILT_IN = {
    "dask": "oneml.habitats.engines.dask_cluster:DaskEngine",
    "in-process": "oneml.habitats.engines.in_process:InProcessEngine",
    "process": "oneml.habitats.engines.process:ProcessEngine",
    "ray": "oneml.habitats.engines.ray_cluster:RayEngine",
    "slurm": "oneml.habitats.engines.slurm:SlurmEngine",
}


class EngineRegistry:
    """Finds engines.

    Args:
        given: Engines that were made in Python; they stand for others of their name.

    Raises:
        NotAnEngineError: Something else is given.
    """

    def __init__(self, given: Sequence[Engine] = ()) -> None:
        for engine in given:
            reason = _why_no_engine(engine, getattr(engine, "name", None))
            if reason:
                raise NotAnEngineError(given=f"{engine!r:.200}", reason=reason)
        self._made = {engine.name: engine for engine in given}

    def by_name(self, name: str) -> Engine:
        """Return the engine of that name.

        Raises:
            UnknownEngineError: There is none.
            EnginePluginError: That of another distribution cannot be loaded, or is no engine.
        """
        engine = self._made.get(name)
        if engine is None:
            target = _BUILT_IN.get(name)
            engine = self._made[name] = self._plugin(name) if target is None else _made(target)
        return engine

    def known(self) -> Mapping[str, str]:
        """Return every engine that there is by name, with where it comes from, loading none; sorted."""
        from importlib.metadata import entry_points  # noqa: PLC0415  # only for people

        plugins = {entry.name: plugin_origin(entry) for entry in entry_points(group=GROUP)}
        found = {**dict.fromkeys(self._made, "given"), **plugins, **dict.fromkeys(_BUILT_IN, "built in")}
        return dict(sorted(found.items()))

    def is_at_hand(self, name: str) -> bool:
        """Tell whether an engine is one of this package or was given, so that nothing of others is loaded for it."""
        return name in self._made or name in _BUILT_IN

    def has(self, name: str) -> bool:
        """Tell whether there is an engine of that name, loading none."""
        return self.is_at_hand(name) or name in self.known()

    def _plugin(self, name: str) -> Engine:
        made = made_plugin(GROUP, name, why_not=_why_no_engine, unusable=EnginePluginError)
        if made is None:
            raise UnknownEngineError(name=name, known=list(self.known()))
        return cast("Engine", made)


def _made(target: str) -> Engine:
    module, _, attribute = target.partition(":")
    return cast("Engine", getattr(import_module(module), attribute)())


def _why_no_engine(made: object, name: object) -> str:
    if isinstance(made, type):
        return "it is a class, of which none is made"
    given: object = getattr(made, "name", None)
    if not isinstance(given, str):
        return "it has no name"
    if given != name:
        return f"its name is {given!r}"
    capabilities: object = getattr(made, "capabilities", None)
    if not isinstance(capabilities, frozenset) or not capabilities <= frozenset(Capability):
        return "its capabilities are no frozenset of Capability"
    return "" if callable(getattr(made, "open", None)) else "it has no open"
