"""What a class or function takes, read from its code object: enough to check names, and far cheaper than inspect."""

from collections.abc import Collection, Sequence
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from oneml.habitats.values.suggestions import known_names

_VARARGS, _VARKEYWORDS = 0x04, 0x08


class Constructor(NamedTuple):
    """The parameters of a plain function, or of a class that is made by nothing but a plain ``__init__``.

    Attributes:
        positional: Names of those that can be given by position, in order.
        positional_only: How many of them cannot be given by name.
        keyword_only: Names of those that can be given by name only.
        defaults: How many of the last positional ones have a default.
        optional: Names of the keyword-only ones that have one.
        takes_more: Whether any further positional ones are taken.
        takes_names: Whether any further names are taken.
    """

    positional: tuple[str, ...]
    positional_only: int
    keyword_only: tuple[str, ...]
    defaults: int
    optional: Collection[str]
    takes_more: bool
    takes_names: bool


def constructor_of(provides: object) -> Constructor | None:
    """Return the parameters of ``provides``; None where only calling it would tell."""
    skip = 0
    function = provides
    if isinstance(provides, type):
        made: Any = provides
        if type(made).__call__ is not type.__call__ or made.__new__ is not object.__new__:
            return None
        skip, function = 1, made.__init__
        if function is object.__init__:
            return _NOTHING
    if not isinstance(function, FunctionType):
        return None
    code = function.__code__
    count = code.co_argcount
    names = code.co_varnames
    positional = names[skip:count]
    flags = code.co_flags
    return Constructor(
        positional,
        max(code.co_posonlyargcount - skip, 0),
        names[count : count + code.co_kwonlyargcount],
        len(function.__defaults__ or ()),
        function.__kwdefaults__ or (),
        flags & _VARARGS > 0,
        flags & _VARKEYWORDS > 0,
    )


_NOTHING = Constructor((), 0, (), 0, (), takes_more=False, takes_names=False)


def surplus_arguments(constructor: Constructor, count: int, names: Collection[object]) -> str | None:
    """Say which arguments are given that are not taken; None where all are."""
    if count > len(constructor.positional) and not constructor.takes_more:
        return f"takes {len(constructor.positional)} arguments by position, and is given {count}."
    if constructor.takes_names or not names:
        return None
    by_name = (*constructor.positional[constructor.positional_only :], *constructor.keyword_only)
    for name in names:
        if name not in by_name:
            return f'takes no "{name}". {known_names(str(name), by_name)}'
        if name in constructor.positional[:count]:
            return f'is given "{name}" twice.'
    return None


def missing_arguments(constructor: Constructor, count: int, names: Collection[object]) -> Sequence[str]:
    """Return the parameters without a default that nothing is given for."""
    required = constructor.positional[count : len(constructor.positional) - constructor.defaults]
    needed = [name for name in required if name not in names]
    if constructor.keyword_only:
        optional = constructor.optional
        needed += [name for name in constructor.keyword_only if name not in names and name not in optional]
    return needed


def is_coroutine_function(provides: object) -> bool:
    """Tell whether calling ``provides`` gives a coroutine, as far as that can be seen."""
    code: object = getattr(provides, "__code__", None)
    return isinstance(code, CodeType) and bool(code.co_flags & _COROUTINE)


_COROUTINE = 0x80


class Fit(NamedTuple):
    """How the declared arguments of a provider fit what it calls.

    Attributes:
        constructor: What that takes; None where only calling it would tell.
        ordered: The names of the named arguments in the order in which they can follow the positional ones; None where
            they cannot. Calling by position is what makes compiled containers fast, and changes nothing else.
    """

    constructor: Constructor | None
    ordered: Sequence[str] | None


UNKNOWN_FIT = Fit(None, None)


def fit_of(provides: object, count: int, names: Collection[object]) -> Fit:
    """Return how ``count`` positional and the named arguments fit ``provides``."""
    constructor = constructor_of(provides)
    if constructor is None or count > len(constructor.positional):
        return Fit(constructor, None)
    if not names:
        return Fit(constructor, ())
    wanted = constructor.positional[count : count + len(names)]
    if constructor.positional_only > count or len(wanted) < len(names):
        return Fit(constructor, None)
    for name in wanted:
        if name not in names:
            return Fit(constructor, None)
    return Fit(constructor, wanted)


def surplus_problem(fit: Fit, count: int, names: Collection[object]) -> str | None:
    """Say which arguments are given that are not taken; None where all are, or only calling would tell."""
    if fit.constructor is None or fit.ordered is not None:
        return None
    return surplus_arguments(fit.constructor, count, names)


def missing_problem(fit: Fit, count: int, names: Collection[object]) -> str | None:
    """Say which arguments nothing gives; None where all are given, or only calling would tell."""
    missing = () if fit.constructor is None else missing_arguments(fit.constructor, count, names)
    return f"needs {', '.join(missing)}, which nothing gives." if missing else None
