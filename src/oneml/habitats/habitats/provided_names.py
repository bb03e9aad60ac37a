"""Whether objects have the attributes that ``provider.provided.name`` reads, as far as their classes tell."""

import dis
from collections.abc import Iterator, Mapping, Sequence
from types import CodeType, FunctionType

from typing_extensions import Format, get_annotations

_HEAP_TYPE = 1 << 9
"""The flag of classes that are made at run time, as those that are written in Python are."""

_SETTING = frozenset({"setattr", "__setattr__", "__dict__", "vars"})
"""What methods call, or read, that set attributes whose names nobody sees."""


def known_attributes(form: type) -> Sequence[str] | None:
    """Return the names of what objects of a class have, what methods set among them; None where it does not tell."""
    names = set(dir(form))
    for owner in form.__mro__[:-1]:
        own: Mapping[str, object] = vars(owner)
        if not owner.__flags__ & _HEAP_TYPE or "__getattr__" in own or "__getattribute__" in own:
            return None
        names.update(get_annotations(owner, format=Format.STRING))
        for code in _methods(own):
            if _SETTING.intersection(code.co_names):
                return None
            names.update(step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR")
    return sorted(name for name in names if not name.startswith("_"))


def _methods(own: Mapping[str, object]) -> Iterator[CodeType]:
    """Give the code of what a class defines, apart from what a decorator has generated for it from annotations."""
    for member in own.values():
        function: object = getattr(member, "fget", None) or getattr(member, "__func__", member)
        if isinstance(function, FunctionType) and not function.__code__.co_filename.startswith("<"):
            yield from _with_inner(function.__code__)


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)
