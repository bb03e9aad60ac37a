"""Arguments that are no providers: lists, dictionaries and sets are copied for each use, anything else is passed on."""

from typing import Any, cast

_COPIED = (list, dict, set, bytearray)


def is_copied(value: object) -> bool:
    """Tell whether ``value`` is, or is a tuple that contains, something that one receiver could change for another."""
    kind = type(value)
    return kind in _COPIED or (kind is tuple and any(map(is_copied, cast("tuple[object, ...]", value))))


def fresh(value: Any, known: dict[int, Any] | None = None) -> Any:
    """Copy the built-in collections that ``value`` is made of, and nothing in them."""
    if not is_copied(value):
        return value
    known = {} if known is None else known
    name = id(value)
    if name in known:
        return known[name]
    if isinstance(value, tuple):
        several: tuple[Any, ...] = value  # pyright: ignore[reportUnknownVariableType]  # narrowed from Any
        return tuple([fresh(item, known) for item in several])
    if isinstance(value, list):
        given: list[Any] = value  # pyright: ignore[reportUnknownVariableType]  # narrowed from Any
        items: list[Any] = known.setdefault(name, [])
        items += [fresh(item, known) for item in given]
        return items
    if isinstance(value, dict):
        mapping: dict[Any, Any] = value  # pyright: ignore[reportUnknownVariableType]  # narrowed from Any
        entries: dict[Any, Any] = known.setdefault(name, {})
        entries |= {key: fresh(item, known) for key, item in mapping.items()}
        return entries
    return known.setdefault(name, value.copy())
