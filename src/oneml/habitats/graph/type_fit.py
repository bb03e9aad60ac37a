"""Whether a value of one type may feed an input of another, as type checkers judge it, but lenient where unsure.

Containers are covariant in their items, also mutable ones: a node receives a copy. Whatever is not understood fits.
"""

from collections.abc import Mapping
from enum import Enum
from types import NoneType
from typing import (
    Any,
    Literal,
    LiteralString,
    NamedTuple,
    NewType,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from typing_extensions import Unpack

from oneml.habitats.graph.forms import bare, is_union
from oneml.habitats.graph.result_ports import is_named_tuple, is_typed_dict

_DEPTH_MAX = 20
_VARIADIC_ARGUMENTS = 2
_ITEMS: Mapping[type, object] = {str: str, bytes: int, bytearray: int, range: int, memoryview: int}


class _Value(NamedTuple):
    """One value of a ``Literal``, which is a type of its own."""

    value: object


def fits(given: object, wanted: object) -> bool:
    """Tell whether a value of type ``given`` may go where ``wanted`` is annotated."""
    return _fits(given, wanted, 0)


def _fits(given: object, wanted: object, depth: int) -> bool:
    given, wanted = bare(given), bare(wanted)
    if given is wanted or wanted is object or given is Any or wanted is Any or depth > _DEPTH_MAX:
        return True
    targets = _alternatives(wanted)
    sources = _alternatives(given)
    if any(isinstance(target, _Value) for target in targets):
        sources = [part for source in sources for part in _finite_values(source)]
    return all(any(_one_fits(source, target, depth) for target in targets) for source in sources)


def _alternatives(form: object) -> list[object]:
    """Return the members of a union and the values of a Literal, else the form alone."""
    form = bare(form)
    if is_union(form):
        return [part for member in get_args(form) for part in _alternatives(member)]
    if get_origin(form) is Literal:
        return [NoneType if value is None else _Value(value) for value in get_args(form)]
    return [form]


def _finite_values(form: object) -> list[object]:
    if form is bool:
        return [_Value(value=True), _Value(value=False)]
    if isinstance(form, type) and issubclass(form, Enum):
        return [_Value(member) for member in form]
    return [form]


def _one_fits(given: object, wanted: object, depth: int) -> bool:
    if isinstance(wanted, _Value):
        return isinstance(given, _Value) and type(given.value) is type(wanted.value) and given.value == wanted.value
    if isinstance(given, _Value):
        given = type(given.value)
    if given is wanted or wanted is object or given is Any or wanted is Any:
        return True
    if isinstance(given, NewType):
        return _fits(cast("object", given.__supertype__), wanted, depth + 1)
    return not isinstance(wanted, NewType) and _classes_fit(given, wanted, depth)


def _classes_fit(given: object, wanted: object, depth: int) -> bool:
    given_class = _class_of(given)
    wanted_class = _class_of(wanted)
    if given_class is None or wanted_class is None or getattr(wanted_class, "_is_protocol", False):
        return True
    if is_typed_dict(wanted_class):
        return _typed_dict_fits(given_class, wanted_class, depth)
    return _is_subclass(given_class, wanted_class) and _arguments_fit(given, wanted, wanted_class, depth)


def _class_of(form: object) -> type | None:
    if form is LiteralString:
        return str
    origin: object = get_origin(form) or form
    return origin if isinstance(origin, type) else None


def _is_subclass(given: type, wanted: type) -> bool:
    if wanted is float or wanted is complex:
        return issubclass(given, int | float | wanted)
    try:
        return issubclass(given, wanted)
    except TypeError:  # some abstract classes cannot be asked
        return True


def _typed_dict_fits(given: type, wanted: type, depth: int) -> bool:
    if given is wanted:
        return True
    if not is_typed_dict(given):
        return False
    try:
        theirs, ours = get_type_hints(given), get_type_hints(wanted)
    except Exception:  # noqa: BLE001  # an annotation is code of the author's, it may raise anything
        return True
    return all(name in theirs and _fits(theirs[name], form, depth + 1) for name, form in ours.items())


def _arguments_fit(given: object, wanted: object, wanted_class: type, depth: int) -> bool:
    arguments = get_args(wanted)
    if not arguments:
        return True
    if wanted_class is tuple:
        return _tuple_fits(_tuple_items(given), arguments, depth)
    ours = _arguments_as(given, wanted_class)
    if ours is None or len(ours) != len(arguments):
        return True
    return all(_fits(mine, theirs, depth + 1) for mine, theirs in zip(ours, arguments, strict=True))


def _tuple_items(form: object) -> tuple[object, ...]:
    """Return the item types of a tuple type, ``(X, ...)`` for any number of them; empty where it says nothing."""
    origin: object = get_origin(form) or form
    if not is_named_tuple(origin):
        return get_args(form)
    try:
        hints = get_type_hints(origin)
    except Exception:  # noqa: BLE001  # an annotation is code of the author's, it may raise anything
        return ()
    return tuple(hints.get(name, Any) for name in cast("tuple[str, ...]", getattr(origin, "_fields")))  # noqa: B009


def _tuple_fits(given: tuple[object, ...], wanted: tuple[object, ...], depth: int) -> bool:
    if not given or any(get_origin(item) is Unpack for item in (*given, *wanted)):
        return True
    if _is_variadic(wanted):
        items = given[:1] if _is_variadic(given) else given
        return all(_fits(item, wanted[0], depth + 1) for item in items)
    if _is_variadic(given):
        return bare(given[0]) is Any
    if len(given) != len(wanted):
        return False
    return all(_fits(mine, theirs, depth + 1) for mine, theirs in zip(given, wanted, strict=True))


def _is_variadic(items: tuple[object, ...]) -> bool:
    return len(items) == _VARIADIC_ARGUMENTS and items[1] is ...


def _arguments_as(form: object, wanted: type) -> tuple[object, ...] | None:
    """Return the type arguments of ``form`` seen as ``wanted``, one of its bases; None where nothing says them."""
    seen: object = form
    for _ in range(_DEPTH_MAX):
        origin = _class_of(seen)
        arguments = get_args(seen)
        if origin is None or origin is wanted:
            return arguments or None
        if origin in _ITEMS:
            return (_ITEMS[origin],)
        if tuple in origin.__mro__:
            return _items_as_one(_tuple_items(seen))
        base = _base_towards(origin, wanted, arguments)
        if base is None:
            return (
                arguments[:1] if issubclass(origin, Mapping) and not issubclass(wanted, Mapping) else arguments or None
            )
        seen = base
    return None


def _items_as_one(items: tuple[object, ...]) -> tuple[object, ...] | None:
    if not items or any(get_origin(item) is Unpack for item in items):
        return None
    union: object = items[0]
    for item in items[1:]:
        if item is not ...:
            union = cast("Any", union) | item
    return (union,)


def _base_towards(origin: type, wanted: type, arguments: tuple[object, ...]) -> object:
    """Return the base of ``origin`` that leads to ``wanted``, its type variables replaced; None where none does."""
    bases = cast("tuple[object, ...]", vars(origin).get("__orig_bases__", origin.__bases__))
    variables = _variables_of(origin) or tuple(dict.fromkeys(free for base in bases for free in _variables_of(base)))
    for base in bases:
        base_class = _class_of(base)
        if base_class is None or base_class is object or not _is_subclass(base_class, wanted):
            continue
        free = _variables_of(base)
        if not free or get_origin(base) is None:
            return base
        meaning: dict[TypeVar, object] = dict(zip(variables, arguments, strict=False))
        return cast("Any", base)[tuple(meaning.get(variable, Any) for variable in free)]
    return None


def _variables_of(form: object) -> tuple[TypeVar, ...]:
    return cast("tuple[TypeVar, ...]", getattr(form, "__parameters__", ()))
