"""Where the code gives the default of a setting: file and line of the field in the body of its class."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import cast

from pydantic import BaseModel

from oneml.habitats.settings.class_lines import assigned_at
from oneml.habitats.settings.references import field_default
from oneml.habitats.settings.shapes import SettingName, dotted, settings_of


def default_places(model: type[BaseModel], names: Iterable[SettingName]) -> Mapping[str, str]:
    """Return ``file:line`` of the default of each setting, by dotted name; empty where no source is found."""
    return {dotted(name): default_place(model, name) for name in names}


@lru_cache(maxsize=4096)
def default_place(model: type[BaseModel], name: SettingName) -> str:
    """Return ``file:line`` of the field that gives the default of a setting.

    In ``train: Train = Train(iterations=5)`` that is this very line for ``train.iterations``, and the field in
    ``Train`` for everything else.
    """
    owner = model
    for index, segment in enumerate(name[:-1]):
        below = settings_of(owner)[segment].model
        if below is None or _gives(field_default(owner, segment), name[index + 1 :]):
            return _place(owner, segment)
        owner = below
    return _place(owner, name[-1])


def _gives(default: object, name: SettingName) -> bool:
    """Tell whether a default was made with a value for ``name``, rather than with what its class gives."""
    for segment in name:
        if not isinstance(default, BaseModel) or segment not in default.model_fields_set:
            return False
        default = cast("object", getattr(default, segment))
    return True


def _place(owner: type[BaseModel], name: str) -> str:
    for kind in owner.__mro__:
        fields = cast("Mapping[str, object] | None", getattr(kind, "model_fields", None))
        if fields is not None and name not in fields:
            continue
        place = assigned_at(kind, name)
        if place is not None:
            return str(place)
    return ""
