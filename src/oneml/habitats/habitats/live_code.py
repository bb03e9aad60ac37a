"""First-party objects whose live code is not their source: patched in this process alone, so rebuilt by no other."""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import cast

from oneml.habitats.habitats.live_literals import literal_digest
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import JsonObject, JsonValue

_REMEDY = "Patch it in first-party source, give an override, or do not patch it."

_KNOWN_MAKERS = frozenset(
    {"builtins", "abc", "enum", "typing", "typing_extensions", "pydantic", "pydantic_settings", "dependency_injector"}
)
"""Whose metaclasses and ``__init_subclass__`` leave methods as they are, but for those with special names."""


def live_drifts(
    shape: JsonObject, places: Mapping[str, str], *, thorough: bool | Collection[str] = False
) -> Sequence[Drift]:
    """Return every function and constant of the modules imported here that is not what the source says.

    Args:
        shape: What `live_shape` gave; modules that are not imported are passed over.
        places: Where the file of each module lies.
        thorough: Whether to compare the code of functions with their compiled source, too; or the names of the modules
            to do so for: those that may have been imported before their files became what they are.
    """
    found: list[Drift] = []
    modules = shape.get("modules")
    if not isinstance(modules, Mapping):
        return found
    files = frozenset(places.values()) if shape.get("patched_by_source") else frozenset[str]()
    for name, parts in modules.items():
        module = sys.modules.get(name)
        if module is not None and name in places and isinstance(parts, Mapping):
            wholly = thorough if isinstance(thorough, bool) else name in thorough
            found.extend(_Live(name, module, places[name], files, thorough=wholly).drifts(parts))
    return found


class _Live:
    def __init__(
        self, name: str, module: ModuleType, place: str, files: frozenset[str], *, thorough: bool = False
    ) -> None:
        self._name = name
        self._module = module
        self._place = place
        self._files = files
        self._sources: Mapping[str, CodeType | None] = {}
        self._thorough = thorough

    def drifts(self, parts: JsonObject) -> Iterator[Drift]:
        if not isinstance(self._module, ModuleType):  # pyright: ignore[reportUnnecessaryIsInstance]  # it may be patched
            if not self._files:
                yield self._drift("", "module", self._module)
            return
        spec = self._module.__spec__
        if spec is None or getattr(spec, "_initializing", False):
            return
        if self._thorough:
            from oneml.habitats.habitats.live_source import compiled_functions  # noqa: PLC0415  # only when asked

            self._sources = compiled_functions(self._module, self._place)
        functions, constants = parts.get("functions"), parts.get("constants")
        wrong: set[str] = set()
        for qualname in cast("Sequence[str]", functions or ()):
            yield from self._function(qualname, wrong)
        for qualname, digest in cast("JsonObject", constants or {}).items():
            yield from self._constant(qualname, digest, wrong)

    def _function(self, qualname: str, wrong: set[str]) -> Iterator[Drift]:
        holder, name, told = self._holder(qualname, wrong)
        if told is not None:
            yield told
        if holder is None:
            return
        namespace: Mapping[str, object] = vars(holder)
        live = namespace.get(name)
        if isinstance(live, staticmethod | classmethod):
            live = cast("object", live.__func__)  # pyright: ignore[reportUnknownMemberType]  # of any function
        elif isinstance(live, property):
            live = live.fget
        if not self._is_source(qualname, live):
            yield self._drift(qualname, "function", live)

    def _constant(self, qualname: str, digest: JsonValue, wrong: set[str]) -> Iterator[Drift]:
        holder, name, told = self._holder(qualname, wrong)
        if told is not None:
            yield told
        if holder is None or (isinstance(holder, type) and type(holder).__module__ not in ("builtins", "abc")):
            return
        namespace: Mapping[str, object] = vars(holder)
        if name not in namespace:
            yield self._drift(qualname, "constant", None)
        elif literal_digest(namespace[name]) != digest:
            yield self._drift(qualname, "constant", namespace[name])

    def _holder(self, qualname: str, wrong: set[str]) -> tuple[ModuleType | type | None, str, Drift | None]:
        """Return the module or class that holds an object, the name there, and what is wrong with it, told once."""
        *classes, name = qualname.split(".")
        holder: ModuleType | type = self._module
        path = ""
        for each in classes:
            path = f"{path}.{each}" if path else each
            if path in wrong:
                return None, "", None
            live: object = vars(holder).get(_mangled(each, holder))
            if not isinstance(live, type) or live.__qualname__ != path or live.__module__ != self._name:
                wrong.add(path)
                of_source = bool(self._files) and isinstance(live, type)
                return None, "", None if of_source else self._drift(path, "class", live)
            holder = live
        if isinstance(holder, type) and not _keeps(holder, name):
            return None, "", None
        return holder, _mangled(name, holder), None

    def _is_source(self, qualname: str, live: object) -> bool:
        if not isinstance(live, FunctionType):
            return False
        code = live.__code__
        if code.co_filename in self._files:
            return True
        if code.co_qualname != qualname or not _same_file(code.co_filename, self._place):
            return False
        compiled = self._sources.get(qualname)
        if compiled is None:
            return True
        from oneml.habitats.habitats.live_source import is_same_code  # noqa: PLC0415  # only when asked

        return is_same_code(compiled, code)

    def _drift(self, qualname: str, kind: str, live: object) -> Drift:
        subject = f"{self._name}:{qualname}" if qualname else self._name
        shown = None if live is None else f"another {type(live).__name__}"
        source = ""
        if isinstance(live, FunctionType):
            shown = f"function {live.__module__}:{live.__qualname__}"
            source = f"{live.__code__.co_filename}:{live.__code__.co_firstlineno}"
        return Drift("live-code", subject, kind, "as its source says", shown, self._place, source, _REMEDY)


def _mangled(name: str, holder: ModuleType | type) -> str:
    if isinstance(holder, type) and name.startswith("__") and not name.endswith("__"):
        return f"_{holder.__name__.lstrip('_')}{name}"
    return name


def _keeps(holder: type, name: str) -> bool:
    """Tell whether making a class leaves a method of that name as it stands in the body."""
    maker = type(holder).__module__
    if not _is_known(maker) or (maker not in ("builtins", "abc") and name.startswith(("_", "model_"))):
        return False
    return all("__init_subclass__" not in vars(base) or _is_known(base.__module__) for base in holder.__mro__[1:])


def _is_known(module: str) -> bool:
    return module.partition(".")[0] in _KNOWN_MAKERS or module.startswith("oneml.habitats.")


def _same_file(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return Path(one).samefile(other)
    except OSError:
        return False
