"""Canonical forms of values that contain others, or that an import gives, by what kind of value they are."""

import dataclasses
import functools
import logging
import operator
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, time, timezone
from enum import Enum, Flag
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    FunctionType,
    GenericAlias,
    MappingProxyType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
    UnionType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, TypeAlias, cast, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Secret, SecretBytes, SecretStr

from oneml.habitats.habitats.import_paths import NotCanonicalError, module_path
from oneml.habitats.values.json_value import JsonValue

if TYPE_CHECKING:
    from oneml.habitats.habitats.canonical_values import Canonicaliser

Reader: TypeAlias = "Callable[[Canonicaliser, Any], JsonValue]"


def reader_by_base(kind: type, value: object) -> Reader:
    """Return what reads values of a kind that is known by what it derives from.

    Raises:
        NotCanonicalError: Nothing does.
    """
    if isinstance(value, type):
        return _typed if get_origin(value) is not None else _generic_or_class
    for test, reader in _BY_TEST:
        if test(kind, value):
            return reader
    raise _live(kind)


def _live(kind: type) -> NotCanonicalError:
    name = kind.__qualname__
    for base in _BUILT_IN:
        if issubclass(kind, base):
            return NotCanonicalError(
                what=f"a live {name}", advice=f"Give a plain {base.__name__}, or a frozen dataclass."
            )
    made = f"Give it as a provider: providers.Singleton({name}, ...), or make it a frozen dataclass."
    return NotCanonicalError(what=f"a live {name}", advice=made)


_BUILT_IN = (dict, list, tuple, set, frozenset, str, bytes, int, float, complex)


def _named_tuple(reader: "Canonicaliser", value: Any) -> JsonValue:
    names = cast("tuple[str, ...]", value._fields)
    return {"object": reader.path(type(value)), "fields": reader.fields(dict(zip(names, value, strict=True)))}


def _dataclass(reader: "Canonicaliser", value: Any) -> JsonValue:
    kind = type(cast("object", value))
    names = [field.name for field in dataclasses.fields(value)]
    surplus = sorted(_state(kind, value) - set(names))
    if surplus or issubclass(kind, (*_BUILT_IN, BaseException)):
        known = surplus[0] if surplus else f"what {kind.__mro__[1].__qualname__} holds"
        raise NotCanonicalError(
            what=f"a {kind.__qualname__} that holds more than its fields ({known})",
            advice=f"Give it as a provider: providers.Singleton({kind.__qualname__}, ...), or make that a field.",
        )
    found = {name: getattr(value, name, dataclasses.MISSING) for name in names}
    unset = [name for name, item in found.items() if item is dataclasses.MISSING]
    if unset:
        raise NotCanonicalError(what=f"a {kind.__qualname__} whose field {unset[0]} is not set", advice="Set it.")
    return {"object": reader.path(kind), "fields": reader.fields(found)}


def _state(kind: type, value: object) -> set[str]:
    """Return the names under which an object holds something, cached properties apart."""
    held: set[str] = set(getattr(value, "__dict__", ()))
    for parent in kind.__mro__:
        slots: object = vars(parent).get("__slots__", ())
        names = (slots,) if isinstance(slots, str) else cast("tuple[str, ...]", tuple(cast("Any", slots)))
        held |= {name for name in names if not name.startswith("__") and hasattr(value, name)}
        held -= {name for name in held if isinstance(vars(parent).get(name), functools.cached_property)}
    return held


def _model(reader: "Canonicaliser", value: BaseModel) -> JsonValue:
    kind = type(value)
    fields = {name: getattr(value, name) for name in kind.model_fields}
    form: dict[str, JsonValue] = {"object": reader.type(kind), "fields": reader.fields(fields)}
    # pydantic's own names for what it keeps beside the fields: https://docs.pydantic.dev/latest/api/base_model/
    for key, held in (("extra", value.__pydantic_extra__), ("private", value.__pydantic_private__)):
        if held:
            form[key] = reader.fields(held)
    return form


def _secret(_reader: "Canonicaliser", value: object) -> JsonValue:
    raise NotCanonicalError(
        what=f"a {type(value).__qualname__}",
        advice="Secrets are never written down: read it from the settings, settings.session.<name>.",
    )


def _enum(reader: "Canonicaliser", value: Enum) -> JsonValue:
    if isinstance(value, Flag):
        return {"enum": reader.path(type(value)), "value": reader.read(value.value)}
    return {"enum": reader.path(type(value)), "name": value.name}


def _typed(reader: "Canonicaliser", value: object) -> JsonValue:
    return {"type": reader.type(value)}


def _generic_or_class(reader: "Canonicaliser", value: Any) -> JsonValue:
    generic: Mapping[str, object] = getattr(value, "__pydantic_generic_metadata__", {})
    return _typed(reader, value) if generic.get("origin") is not None else reader.import_of(value)


def _function(reader: "Canonicaliser", value: object) -> JsonValue:
    return reader.import_of(value)


def _method(reader: "Canonicaliser", value: Any) -> JsonValue:
    """Return the form of a bound method, of the interpreter or of Python, or of a function of the interpreter."""
    owner: object = value.__self__
    if owner is None or isinstance(owner, ModuleType):
        return reader.import_of(value)
    name: str = value.__name__
    found: object = getattr(owner, name, None)
    if type(found) is not type(value) or found != value:
        raise NotCanonicalError(
            what=f"a live method {value.__qualname__}", advice="Give a function at the top of a module."
        )
    return {"method": name, "of": reader.read(owner)}


def _partial(reader: "Canonicaliser", value: "functools.partial[object]") -> JsonValue:
    if vars(value):
        raise NotCanonicalError(what="a partial with attributes", advice="Write a function at the top of a module.")
    return {
        "partial": reader.read(value.func),
        "args": reader.listed(value.args),
        "kwargs": reader.pairs(value.keywords),
    }


def _getter(reader: "Canonicaliser", value: Any) -> JsonValue:
    made = cast("tuple[object, ...]", value.__reduce__())  # these three classes say so what they were made with
    return {type(value).__name__: reader.listed(made)}


def _datetime(reader: "Canonicaliser", value: datetime | time) -> JsonValue:
    form: dict[str, JsonValue] = {type(value).__name__: value.replace(tzinfo=None).isoformat()}
    if value.fold:
        form["fold"] = value.fold
    if value.tzinfo is not None:
        form["zone"] = reader.read(value.tzinfo)
    return form


def _timezone(reader: "Canonicaliser", value: timezone) -> JsonValue:
    return {"timezone": [reader.read(value.utcoffset(None)), value.tzname(None)]}


def _zone(_reader: "Canonicaliser", value: ZoneInfo) -> JsonValue:
    if value.key is None:  # pyright: ignore[reportUnnecessaryComparison]  # read from a file without a name
        raise NotCanonicalError(what="a live ZoneInfo", advice='Give one by its key: ZoneInfo("Europe/Paris").')
    return {"ZoneInfo": value.key}


def _logger(_reader: "Canonicaliser", value: logging.Logger) -> JsonValue:
    if logging.getLogger(value.name) is not value:
        raise _live(type(value))
    return {"logger": value.name}


def _default_dict(reader: "Canonicaliser", value: "defaultdict[Any, Any]") -> JsonValue:
    return {"defaultdict": reader.pairs(cast("dict[Any, Any]", value)), "factory": reader.read(value.default_factory)}


def _slice(reader: "Canonicaliser", value: "slice[object, object, object]") -> JsonValue:
    return {"slice": reader.listed((value.start, value.stop, value.step))}


def _module(reader: "Canonicaliser", value: ModuleType) -> JsonValue:
    name = module_path(value)
    reader.note(name)
    return {"module": name}


KINDS: Mapping[Any, Reader] = {
    tuple: lambda reader, value: {"tuple": reader.listed(value)},
    list: lambda reader, value: {"list": reader.listed(value)},
    dict: lambda reader, value: {"dict": reader.pairs(value)},
    set: lambda reader, value: {"set": reader.sorted(value)},
    frozenset: lambda reader, value: {"frozenset": reader.sorted(value)},
    deque: lambda reader, value: {"deque": reader.listed(value), "maxlen": value.maxlen},
    slice: _slice,
    OrderedDict: lambda reader, value: {"OrderedDict": [reader.listed(pair) for pair in value.items()]},
    Counter: lambda reader, value: {"Counter": reader.pairs(value)},
    defaultdict: _default_dict,
    MappingProxyType: lambda reader, value: {"mappingproxy": reader.read(dict(value))},
    SimpleNamespace: lambda reader, value: {"SimpleNamespace": reader.pairs(value.__dict__)},
    re.Pattern: lambda reader, value: {"Pattern": reader.read(value.pattern), "flags": value.flags},
    datetime: _datetime,
    time: _datetime,
    timezone: _timezone,
    ZoneInfo: _zone,
    GenericAlias: _typed,
    UnionType: _typed,
    FunctionType: _function,
    BuiltinFunctionType: _method,
    MethodType: _method,
    MethodDescriptorType: _function,
    ClassMethodDescriptorType: _function,
    WrapperDescriptorType: _function,
    type(functools.lru_cache(len)): _function,
    functools.partial: _partial,
    operator.itemgetter: _getter,
    operator.attrgetter: _getter,
    operator.methodcaller: _getter,
    ModuleType: _module,
    logging.Logger: _logger,
}
"""The reader of each kind, by the exact type of the value."""


def _is_named_tuple(kind: type[Any], _value: object) -> bool:
    return kind.__bases__ == (tuple,) and hasattr(kind, "_fields")


_BY_TEST: tuple[tuple[Callable[[type, Any], bool], Reader], ...] = (
    (lambda kind, _: issubclass(kind, SecretStr | SecretBytes | Secret), _secret),
    (lambda kind, _: issubclass(kind, Enum), _enum),
    (_is_named_tuple, _named_tuple),
    (lambda kind, _: issubclass(kind, BaseModel), _model),
    (lambda _, value: dataclasses.is_dataclass(value), _dataclass),
    (lambda kind, _: kind.__module__ in {"typing", "typing_extensions"}, _typed),
)
