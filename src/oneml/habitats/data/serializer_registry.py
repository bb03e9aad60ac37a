"""Serializers by name and by value. Each is loaded when it is first needed, those of this package included."""

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import cast

from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError
from oneml.habitats.errors import PickleRefusedError, SerializerPluginError, UnknownSerializerError
from oneml.habitats.ports.serializer import Serializer
from oneml.habitats.values.plugins import made_plugin

GROUP = "oneml.serializers"
"""Entry points of other distributions, in the form that `BUILT_IN` has: name to ``module:Class``."""

PICKLE = "pickle"

BUILT_IN = {
    "bytes": "oneml.habitats.data.serializers.bytes:BytesSerializer",
    "text": "oneml.habitats.data.serializers.text:TextSerializer",
    "numpy": "oneml.habitats.data.serializers.numpy:NumpySerializer",
    "parquet": "oneml.habitats.data.serializers.parquet:ParquetSerializer",
    "png": "oneml.habitats.data.serializers.png:PngSerializer",
    "polars": "oneml.habitats.data.serializers.polars:PolarsSerializer",
    "arrow": "oneml.habitats.data.serializers.arrow:ArrowSerializer",
    "sklearn": "oneml.habitats.data.serializers.sklearn:SklearnSerializer",
    "tar": "oneml.habitats.data.serializers.tar:TarSerializer",
    "json": "oneml.habitats.data.serializers.json:JsonSerializer",
    PICKLE: "oneml.habitats.data.serializers.pickle:PickleSerializer",
}

_CHOICE = (
    ("numpy", ("numpy",)),
    ("parquet", ("pandas",)),
    ("png", ("PIL.Image", "matplotlib.figure")),
    ("polars", ("polars",)),
    ("arrow", ("pyarrow",)),
    ("sklearn", ("sklearn.base",)),
    ("tar", ("oneml.habitats.data.files",)),
    ("json", ("builtins",)),
)
"""Who is asked in which order, and which modules must be loaded for there to be values of that kind."""

_AT_ONCE: Mapping[type, str] = {
    str: "text",
    bytes: "bytes",
    int: "json",
    float: "json",
    bool: "json",
    type(None): "json",
    list: "json",
    tuple: "json",
    dict: "json",
}


class SerializerRegistry:
    """The serializers that may be used here.

    Args:
        allowed: Gives the names of serializers that the settings name, for those of other distributions: asked where
            an artifact names one. No artifact can add to them.
    """

    def __init__(self, *, allowed: Callable[[], Collection[str]] = tuple) -> None:
        self._allowed = allowed
        self._loaded: dict[str, Serializer] = {}

    def by_name(self, name: str) -> Serializer:
        """Return a serializer.

        Raises:
            UnknownSerializerError: There is none of that name, or the settings do not name it.
            SerializerPluginError: That of another distribution cannot be loaded, or is no serializer.
        """
        return self._loaded.get(name) or self._load(name, named=False)

    def for_value(self, value: object, *, wanted: str | None, allow_pickle: bool, what: str) -> Serializer:
        """Return the serializer that shall write ``value``.

        Args:
            value: What is to be written.
            wanted: Name of the serializer that the settings want; None where they want none.
            allow_pickle: Whether what nothing else writes may be pickled.
            what: What is written, for messages: ``Port "model" of //train``.

        Raises:
            UnknownSerializerError: As `by_name`.
            SerializerPluginError: As `by_name`.
            PickleRefusedError: Pickle is wanted and not allowed.
            UnwritableError: The serializer that is wanted, or every one, does not write such values.
        """
        if wanted is not None:
            return self._wanted(wanted, value, allow_pickle=allow_pickle, what=what)
        at_once = _AT_ONCE.get(type(value))
        if at_once is not None:
            return self.by_name(at_once)
        for name, modules in _CHOICE:
            if any(module in sys.modules for module in modules):
                serializer = self.by_name(name)
                if serializer.accepts(value):
                    return serializer
        if allow_pickle:
            return self.by_name(PICKLE)
        raise UnwritableError(problem=f"is a {type_name_of(value)}, which no serializer writes")

    def _wanted(self, name: str, value: object, *, allow_pickle: bool, what: str) -> Serializer:
        if name == PICKLE and not allow_pickle:
            raise PickleRefusedError(what=what)
        serializer = self._loaded.get(name) or self._load(name, named=True)
        if not serializer.accepts(value):
            problem = f'is a {type_name_of(value)}, which serializer "{name}" of the settings does not write'
            raise UnwritableError(problem=problem)
        return serializer

    def _load(self, name: str, *, named: bool) -> Serializer:
        target = BUILT_IN.get(name)
        if target is not None:
            serializer = _made(target)
        elif named or name in self._allowed():
            serializer = _plugin(name)
        else:
            raise UnknownSerializerError(name=name, known=[*BUILT_IN, *self._allowed()])
        self._loaded[name] = serializer
        return serializer


def _made(target: str) -> Serializer:
    module, _, attribute = target.partition(":")
    return cast("Serializer", getattr(import_module(module), attribute)())


def _plugin(name: str) -> Serializer:
    made = made_plugin(GROUP, name, why_not=_why_no_serializer, unusable=SerializerPluginError)
    if made is None:
        raise UnknownSerializerError(name=name, known=list(BUILT_IN))
    return cast("Serializer", made)


def _why_no_serializer(made: object, name: str) -> str:
    given: object = getattr(made, "name", None)
    if given != name:
        return f"its name is {given!r}"
    if not isinstance(getattr(made, "version", None), int):
        return "its version is no integer"
    if not isinstance(getattr(made, "media_type", None), str):
        return "its media_type is no text"
    missing = [method for method in ("accepts", "write", "read") if not callable(getattr(made, method, None))]
    return f"it has no {', '.join(missing)}" if missing else ""
