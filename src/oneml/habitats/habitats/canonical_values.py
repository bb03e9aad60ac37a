"""The canonical form of the plain values that providers are declared with: typed JSON, the same in every process.

Types are told apart (``True``, ``1`` and ``1.0``), what has no order is sorted, and what an import gives stands by its
path. Never by ``id``, ``repr``, ``hash`` or pickle: what is left is refused, by its type, for it may hold a secret.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, cast

from oneml.habitats.habitats.canonical_kinds import KINDS, Reader, reader_by_base
from oneml.habitats.habitats.canonical_scalars import SCALARS
from oneml.habitats.habitats.import_paths import NotCanonicalError, declared_path, import_path
from oneml.habitats.habitats.type_texts import TypeTexts
from oneml.habitats.values.json_value import JsonValue, canonical_json

DEPTH_MAX = 100
_DEPTH_SHOWN = 10
"""Values below are told by their digest: documents that descriptions stand in are not nested deeper than 64."""


def canonical(value: object, *, modules: set[str] | None = None) -> JsonValue:
    """Return the canonical form of a plain value.

    Args:
        value: What a provider was declared with.
        modules: Takes the names of the modules that the value refers to.

    Raises:
        NotCanonicalError: The value exists in this process only, or holds a secret.
    """
    return Canonicaliser(set() if modules is None else modules).read(value)


def digest_of_json(value: JsonValue) -> str:
    """Return the SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def type_text(form: object, *, modules: set[str] | None = None) -> str:
    """Return a type as text; classes that no import gives by the path that they say themselves.

    Raises:
        NotCanonicalError: It is no type.
    """
    named = set[str]() if modules is None else modules

    def path_of(found: Any) -> str:
        named.add(found.__module__)
        return declared_path(found)

    return TypeTexts(path_of, lambda value: _text_of(value, named)).of(form)


def _text_of(value: object, modules: set[str]) -> str | None:
    try:
        return canonical_json(Canonicaliser(modules).read(value)).decode()
    except NotCanonicalError:
        return None


class Canonicaliser:
    """Turns values into canonical JSON, and notes the modules that they refer to.

    Args:
        modules: Takes their names.
    """

    __slots__ = ("_modules", "_open")

    def __init__(self, modules: set[str]) -> None:
        self._modules = modules
        self._open: list[int] = []

    def read(self, value: Any) -> JsonValue:
        """Return the canonical form of ``value``.

        Raises:
            NotCanonicalError: It has none.
        """
        kind = type(cast("object", value))
        scalar = SCALARS.get(kind)
        if scalar is not None:
            return scalar(value)
        depth = len(self._open)
        if id(value) in self._open:
            raise NotCanonicalError(
                what=f"a {kind.__qualname__} that contains itself", advice="Give a value without a loop."
            )
        if depth >= DEPTH_MAX:
            raise NotCanonicalError(what=f"a value nested deeper than {DEPTH_MAX}", advice="Give a flatter one.")
        self._open.append(id(value))
        try:
            form = _reader_of(kind, value)(self, value)
        finally:
            self._open.pop()
        return {"sha256": digest_of_json(form)} if depth and depth % _DEPTH_SHOWN == 0 else form

    def import_of(self, form: Any) -> JsonValue:
        """Return the form of a class or function.

        Raises:
            NotCanonicalError: No import gives it.
        """
        return {"import": self.path(form)}

    def path(self, form: Any) -> str:
        """Return the import path of a class or function, and note its module.

        Raises:
            NotCanonicalError: No import gives it.
        """
        path = import_path(form)
        self.note(path.partition(":")[0])
        return path

    def note(self, module: str) -> None:
        """Note that a value refers to ``module``; what every interpreter has is left out."""
        if module != "builtins":
            self._modules.add(module)

    def listed(self, values: Iterable[object]) -> list[JsonValue]:
        """Return the forms of several values, in their order."""
        return [self.read(value) for value in values]

    def sorted(self, values: Iterable[object]) -> list[JsonValue]:
        """Return the forms of several values whose order says nothing."""
        return sorted(self.listed(values), key=canonical_json)

    def pairs(self, values: Mapping[Any, object]) -> list[JsonValue]:
        """Return keys and values of a mapping, sorted by key."""
        pairs: list[JsonValue] = [[self.read(key), self.read(value)] for key, value in values.items()]
        return sorted(pairs, key=canonical_json)

    def fields(self, values: Mapping[str, object]) -> dict[str, JsonValue]:
        """Return what stands under names."""
        return {name: self.read(value) for name, value in values.items()}

    def type(self, form: object) -> str:
        """Return a type as text, each class in it by its import path.

        Raises:
            NotCanonicalError: No import gives one of them.
        """
        return TypeTexts(self.path, lambda value: canonical_json(self.read(value)).decode()).of(form)


def _reader_of(kind: type, value: object) -> Reader:
    known = KINDS.get(kind)
    if known is not None:
        return known
    if kind.__module__.partition(".")[0] == "numpy":
        from oneml.habitats.habitats.canonical_arrays import array_form  # noqa: PLC0415  # only where numpy is loaded

        return array_form
    return reader_by_base(kind, value)
