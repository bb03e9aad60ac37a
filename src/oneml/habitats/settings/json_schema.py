"""The JSON Schema of a habitat's settings files, for editors: completion, and errors while they are written."""

from collections.abc import Iterator, Mapping
from typing import Literal, cast

from pydantic import BaseModel, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from typing_extensions import override

from oneml.habitats.settings.field_text import attribute_texts
from oneml.habitats.settings.models import RESERVED_NAMES, SESSION_ONLY_NAMES, PipelineSettings
from oneml.habitats.settings.process import HABITATS_TABLE
from oneml.habitats.settings.session import NODES_TABLE
from oneml.habitats.settings.shapes import settings_of, unusable
from oneml.habitats.values.json_value import JsonObject, JsonValue

SettingsFile = Literal["session", "project"]

_REFERENCE = "#/$defs/{model}"


def settings_json_schema(habitat: str, model: type[PipelineSettings], file: SettingsFile) -> JsonObject:
    """Return the JSON Schema (draft 2020-12) of a settings file; each file gives as much as it likes.

    Args:
        habitat: Name of the habitat.
        model: Its settings.
        file: ``session`` for the file of ``--settings``, ``project`` for ``oneml.toml``, which speaks of many habitats.

    Raises:
        InvalidSettingsModelError: A type in the model is not defined, or none that pydantic can check.
    """
    parts = _Parts(model)
    properties = _of_session(parts) if file == "session" else _of_project(parts, habitat)
    schema: dict[str, JsonValue] = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": f"Settings of {habitat}",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    return schema | ({"$defs": parts.definitions} if parts.definitions else {})


def _of_session(parts: "_Parts") -> JsonObject:
    return {
        **parts.properties(RESERVED_NAMES | parts.own),
        NODES_TABLE: {
            "type": "object",
            "description": "Settings of single nodes, or of all nodes of a namespace or fan-out, by path.",
            "propertyNames": {"pattern": "^/"},
            "additionalProperties": parts.table(RESERVED_NAMES - SESSION_ONLY_NAMES | parts.own),
        },
    }


def _of_project(parts: "_Parts", habitat: str) -> JsonObject:
    return {
        **parts.properties(RESERVED_NAMES),
        HABITATS_TABLE: {
            "type": "object",
            "description": "Settings of single habitats, by name.",
            "properties": {habitat: parts.table(RESERVED_NAMES | parts.own)},
            "additionalProperties": {"type": "object"},
        },
    }


class _AnythingWhereUnknown(GenerateJsonSchema):
    """Admits any value where a type, one of the author's own, has no schema."""

    @override
    def handle_invalid_for_json_schema(self, schema: object, error_info: str) -> JsonSchemaValue:
        return {}


class _Parts:
    """What pydantic says of a model, with nothing required wherever layers merge."""

    def __init__(self, model: type[PipelineSettings]) -> None:
        settings_of(model)  # completes a model whose types were not defined yet
        try:
            described = model.model_json_schema(ref_template=_REFERENCE, schema_generator=_AnythingWhereUnknown)
        except PydanticUserError as error:
            raise unusable(model, error) from error
        whole = cast("dict[str, JsonValue]", described)
        self._model = model
        self._whole = whole
        definitions = cast("dict[str, JsonValue]", whole.get("$defs", {}))
        self._definitions = definitions
        self.own = model.model_fields.keys() - RESERVED_NAMES

    @property
    def definitions(self) -> dict[str, JsonValue]:
        """The models that stand inside values, whole."""
        used = set[str]()
        waiting = list(_references(self._properties(self._model, self._whole)))
        while waiting:
            name = waiting.pop()
            if name not in used:
                used.add(name)
                waiting += _references(self._definitions[name])
        return {name: self._definitions[name] for name in sorted(used)}

    def properties(self, names: frozenset[str]) -> dict[str, JsonValue]:
        """Return those fields of the model, its own first."""
        every = self._properties(self._model, self._whole)
        return {name: every[name] for name in sorted(every, key=lambda name: name in RESERVED_NAMES) if name in names}

    def table(self, names: frozenset[str]) -> dict[str, JsonValue]:
        """Return a table of those fields."""
        return {"type": "object", "additionalProperties": False, "properties": self.properties(names)}

    def _properties(self, model: type[BaseModel], schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """Return the fields of a model that layers merge, models that merge with it in place."""
        fields = cast("Mapping[str, dict[str, JsonValue]]", schema.get("properties", {}))
        texts = attribute_texts(model)
        found: dict[str, JsonValue] = {}
        for name, setting in settings_of(model).items():
            field = {key: value for key, value in fields[name].items() if key != "title"}
            if setting.hides:
                field.pop("default", None)
            if "description" not in field and name in texts:
                field["description"] = texts[name]
            if setting.model is not None and setting.model is not model:
                below = cast("dict[str, JsonValue]", self._definitions[self._name_of(field)])
                for key in ("$ref", "anyOf", "default"):
                    field.pop(key, None)
                field |= {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": self._properties(setting.model, below),
                }
            found[name] = field
        return found

    def _name_of(self, field: Mapping[str, JsonValue]) -> str:
        return next(iter(_references(dict(field))))


def _references(schema: JsonValue) -> Iterator[str]:
    """Give the name of every definition that a schema refers to."""
    if isinstance(schema, Mapping):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(_REFERENCE.format(model=""))
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list | tuple):
        for value in schema:
            yield from _references(value)
