"""The JSON Schema of settings files: what it admits is what the layers accept, and what it refuses they refuse."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, SecretStr
from pydantic_core import CoreSchema, core_schema

from oneml.habitats import PipelineSettings
from oneml.habitats.settings.json_schema import settings_json_schema


class Own:
    """A type without a form in JSON Schema."""

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> CoreSchema:
        return core_schema.is_instance_schema(cls)


class Layer(BaseModel):
    """A layer.

    Attributes:
        width: How many
            units it has.
    """

    width: int
    bias: bool = True


class Net(BaseModel):
    """A net.

    Attributes:
        first: Merges.
    """

    first: Layer
    others: list[Layer] = []
    last: Layer | None = None


class NetSettings(PipelineSettings):
    """Settings of tests.

    Attributes:
        net: The net
            that is trained.
        rate: Of learning.

    Later text: none of an attribute.
    """

    net: Net
    rate: float = Field(default=0.1, gt=0)
    token: SecretStr = SecretStr("canary")
    own: Own | None = None


def problems(document: object, file: Any = "session") -> list[str]:
    schema = settings_json_schema("net", NetSettings, file)
    Draft202012Validator.check_schema(schema)
    return [error.json_path for error in Draft202012Validator(schema).iter_errors(document)]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"rate": 0.5, "engine": "process", "retries": 2},
        {"net": {"first": {"bias": False}}},
        {"net": {"others": [{"width": 3}]}},
        {"net": {"last": {"bias": False}}},
        {"token": "env:TOKEN"},
        {"own": "anything"},
        {"engines": {"dask": {"address": "tls://x"}}},
        {"nodes": {"//train": {"rate": 0.2, "retries": 1, "net": {"first": {"width": 2}}}}},
    ],
)
def test_a_layer_gives_as_much_as_it_likes(document: object) -> None:
    assert problems(document) == []


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"rat": 0.5}, "$"),
        ({"rate": 0}, "$.rate"),
        ({"net": {"frist": {}}}, "$.net"),
        ({"net": {"others": [{}]}}, "$.net.others[0]"),
        ({"nodes": {"//train": {"workers": 2}}}, "$.nodes['//train']"),
        ({"nodes": {"train": {}}}, "$.nodes"),
    ],
)
def test_what_layers_refuse_is_refused_at_its_place(document: object, place: str) -> None:
    assert problems(document) == [place]


def test_the_project_s_file_holds_the_habitat_s_own_settings_in_its_table() -> None:
    assert problems({"retries": 1, "habitats": {"net": {"rate": 0.5}, "other": {"x": 1}}}, "project") == []
    assert problems({"rate": 0.5}, "project") == ["$"]
    assert problems({"habitats": {"net": {"rat": 0.5}}}, "project") == ["$.habitats.net"]


def test_fields_are_described_by_themselves_or_by_the_docstring_of_their_class() -> None:
    properties: Any = settings_json_schema("net", NetSettings, "session")["properties"]
    assert properties["net"]["description"] == "The net that is trained."
    assert properties["net"]["properties"]["first"]["properties"]["width"]["description"] == "How many units it has."
    assert properties["rate"]["description"] == "Of learning."
    assert properties["retries"]["description"] == "How often a node that failed is tried again."
    assert "Later" not in str(properties)


def test_the_default_of_a_secret_is_not_told() -> None:
    schema: Any = settings_json_schema("net", NetSettings, "session")
    assert "default" not in schema["properties"]["token"]
    assert "canary" not in str(schema)
