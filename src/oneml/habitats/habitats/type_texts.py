"""Types as one line of text that is the same in every process and on every minor version of Python."""

import json
from collections.abc import Callable, Iterable
from types import EllipsisType, GenericAlias, NoneType
from typing import Annotated, Any, ForwardRef, Literal, NewType, ParamSpec, TypeVar, get_args, get_origin

from typing_extensions import TypeVarTuple

from oneml.habitats.graph.forms import ALIAS_TYPES, is_union
from oneml.habitats.habitats.import_paths import NotCanonicalError


class TypeTexts:
    """Writes types as text: ``Optional[int]`` and ``int | None`` alike, members of unions and literals sorted.

    Args:
        path_of: Gives the path of a class.
        text_of: Gives the text of a value inside ``Literal`` or ``Annotated``; None where it is left out.
    """

    __slots__ = ("_aliases", "_path_of", "_text_of")

    def __init__(self, path_of: Callable[[Any], str], text_of: Callable[[object], str | None]) -> None:
        self._path_of = path_of
        self._text_of = text_of
        self._aliases: list[object] = []

    def of(self, form: object) -> str:
        """Return the text of a type.

        Raises:
            NotCanonicalError: It is no type, or ``path_of`` or ``text_of`` raise it.
        """
        if form is None or form is NoneType:
            return "None"
        for kinds, written in _WRITTEN:
            if isinstance(form, kinds):
                return written(self, form)
        return self._plain(form) if get_origin(form) is None else self._built(form)

    def listed(self, forms: Iterable[object]) -> str:
        """Return the texts of several types."""
        return ", ".join([self.of(form) for form in forms])

    def _built(self, form: object) -> str:
        origin, arguments = get_origin(form), get_args(form)
        if is_union(form):
            return " | ".join(sorted({self.of(argument) for argument in arguments}))
        if origin is Literal:
            return f"Literal[{', '.join(sorted(str(self._text_of(value)) for value in arguments))}]"
        if origin is Annotated:
            texts = [text for value in arguments[1:] if (text := self._text_of(value)) is not None]
            inner = self.of(arguments[0])
            return f"Annotated[{', '.join([inner, *texts])}]" if texts else inner
        name = self.of(origin)
        if not arguments:
            return f"{name}[()]" if origin is tuple and hasattr(form, "__args__") else name
        star = "*" if isinstance(form, GenericAlias) and form.__unpacked__ else ""
        return f"{star}{name}[{self.listed(arguments)}]"

    def named(self, form: Any) -> str:
        """Return the path of what is no class, but has a name as one."""
        return self._path_of(form)

    def alias(self, alias: Any) -> str:
        """Write what an alias stands for; one that stands in itself by its name."""
        if alias in self._aliases:
            return str(alias.__name__)
        self._aliases.append(alias)
        try:
            return self.of(alias.__value__)
        finally:
            self._aliases.pop()

    def _plain(self, form: Any) -> str:
        if isinstance(form, type):
            generic: dict[str, Any] = getattr(form, "__pydantic_generic_metadata__", {})
            if generic.get("origin") is not None:
                return f"{self._path_of(generic['origin'])}[{self.listed(generic['args'])}]"
            return self._path_of(form).removeprefix("builtins:")
        name: object = getattr(form, "_name", None) or getattr(form, "__name__", None)
        if isinstance(name, str) and type(form).__module__ in {"typing", "typing_extensions"}:
            return f"typing:{name}"
        raise NotCanonicalError(what=f"a live {type(form).__qualname__} as a type", advice="Give a type.")


_WRITTEN: tuple[tuple[Any, Callable[[TypeTexts, Any], str]], ...] = (
    (EllipsisType, lambda _texts, _form: "..."),
    (list, lambda texts, form: f"[{texts.listed(form)}]"),
    (str, lambda _texts, form: json.dumps(form)),
    (ForwardRef, lambda _texts, form: json.dumps(form.__forward_arg__)),
    (ALIAS_TYPES, lambda texts, form: texts.alias(form)),
    ((TypeVar, ParamSpec, TypeVarTuple), lambda _texts, form: f"~{form.__name__}"),
    (NewType, lambda texts, form: texts.named(form)),
)
"""How forms are written that are no classes, by what they are."""
