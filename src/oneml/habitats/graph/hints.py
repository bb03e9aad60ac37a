"""Annotations of a function or a class, resolved one by one, so that each that cannot be resolved is named."""

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import cast, get_type_hints

from typing_extensions import Format, get_annotations


class Unresolved(Exception):  # noqa: N818  # carries the result of a failed lookup, and never leaves this package
    """Annotations that cannot be resolved.

    Attributes:
        reasons: By name of the parameter, field, or ``return``.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = reasons
        super().__init__(", ".join(reasons))


def resolved_hints(owner: Callable[..., object] | type) -> Mapping[str, object]:
    """Return the annotations of a function or class as types, extras kept.

    Raises:
        Unresolved: At least one of them names what does not exist at run time.
    """
    try:
        return get_type_hints(owner, include_extras=True)
    except Exception:  # noqa: BLE001  # an annotation is code of the author's, it may raise anything
        return _one_by_one(owner)


def _one_by_one(owner: Callable[..., object] | type) -> Mapping[str, object]:
    function = inspect.unwrap(owner)
    names = cast("dict[str, object]", getattr(function, "__globals__", None) or vars(sys.modules[owner.__module__]))
    hints: dict[str, object] = {}
    reasons: dict[str, str] = {}
    for name, annotation in get_annotations(function, format=Format.FORWARDREF).items():
        alone = type("_Alone", (), {"__annotations__": {name: annotation}, "__module__": owner.__module__})
        try:
            hints |= get_type_hints(alone, globalns=names, include_extras=True)
        except Exception as error:  # noqa: BLE001  # as above
            text = annotation if isinstance(annotation, str) else getattr(annotation, "__forward_arg__", annotation)
            reasons[name] = f"{text}: {error}"
    if reasons:
        raise Unresolved(reasons)
    return hints
