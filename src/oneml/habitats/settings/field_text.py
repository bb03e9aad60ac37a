"""What a settings model says of a field, for people: its type, its description, its default."""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from pydantic import BaseModel

from oneml.habitats.settings.shapes import find_setting, settings_of

_ATTRIBUTE = re.compile(r"(?P<name>\w+)(?: \([^)]*\))?: (?P<text>.*)")


class FieldText(NamedTuple):
    """A field of a settings model.

    Attributes:
        type: Its declared type.
        description: What its author says about it, in the field or in the docstring of its class; may be empty.
        required: Whether it has no default.
    """

    type: str
    description: str
    required: bool


def field_text(model: type[BaseModel], name: Sequence[str]) -> FieldText:
    """Return what a model says of the field that ``name`` leads to.

    Raises:
        UnknownSettingError: The model has none of that name.
    """
    setting = find_setting(model, name)
    owner = model
    for length, segment in enumerate(name[:-1], 1):
        above = settings_of(owner)[segment]
        if above.levels:  # an entry of a table is described by the field that holds the tables
            described = field_text(model, name[:length]).description
            return FieldText(_type_text(setting.annotation), described, required=False)
        owner = above.model or owner
    field = owner.model_fields[name[-1]]
    described = " ".join((field.description or attribute_texts(owner).get(name[-1], "")).split())
    return FieldText(_type_text(setting.annotation), described, field.is_required())


def attribute_texts(model: type[BaseModel]) -> Mapping[str, str]:
    """Return what the section ``Attributes:`` of a class's docstring says of each of them."""
    lines = inspect.cleandoc(model.__doc__ or "").splitlines()
    texts: dict[str, str] = {}
    name = ""
    for line in lines[lines.index("Attributes:") + 1 :] if "Attributes:" in lines else ():
        if line and not line.startswith(" "):
            break
        start = _ATTRIBUTE.fullmatch(line.strip()) if re.match(r" {4}\S", line) else None
        if start is not None:
            name = start["name"]
            texts[name] = start["text"]
        elif name and line.strip():
            texts[name] = f"{texts[name]} {line.strip()}"
    return texts


def _type_text(annotation: object) -> str:
    if isinstance(annotation, type) and not cast("object", getattr(annotation, "__args__", None)):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")
