"""Whether objects have the attributes that ``provider.provided.name`` reads, as far as their classes tell."""

import dis
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from types import CodeType, FunctionType
from typing import Any, cast

from typing_extensions import Format, get_annotations

_HEAP_TYPE = 1 << 9
"""The flag of classes that are made at run time, as those that are written in Python are."""

_SETTING = frozenset({"setattr", "__setattr__", "__dict__", "vars"})
"""What methods call, or read, that set attributes whose names nobody sees."""

_WRAPPED = ("fget", "fset", "func", "__func__", "__wrapped__")
"""Where properties and decorators keep the functions that they were given."""


def known_attributes(form: type) -> Sequence[str] | None:
    """Return the names of what objects of a class have, what methods set among them; None where it does not tell."""
    names = set(dir(form))
    for owner in form.__mro__[:-1]:
        own: Mapping[str, object] = vars(owner)
        if not owner.__flags__ & _HEAP_TYPE or "__getattr__" in own or "__getattribute__" in own:
            return None
        names.update(get_annotations(owner, format=Format.STRING))
        names.update(one.name for one in cast("Sequence[Any]", own.get("__attrs_attrs__", ())))
        for code in _methods(own):
            if _SETTING.intersection(code.co_names):
                return None
            names.update(step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR")
    return sorted(name for name in names if not name.startswith("_"))


def _methods(own: Mapping[str, object]) -> Iterator[CodeType]:
    """Give the code of what a class defines, and of what decorators have wrapped, but not what they have generated."""
    waiting = [*own.values()]
    seen: set[int] = set()
    while waiting:
        member = waiting.pop()
        if id(member) in seen:
            continue
        seen.add(id(member))
        inner: list[object] = [getattr(member, name, None) for name in _WRAPPED]
        if isinstance(member, FunctionType):
            with suppress(ValueError):  # a variable that was never set
                inner += inspect.getclosurevars(member).nonlocals.values()
            if not member.__code__.co_filename.startswith("<"):
                yield from _with_inner(member.__code__)
        waiting += [one for one in inner if isinstance(one, FunctionType)]


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)
