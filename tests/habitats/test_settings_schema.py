import json
from pathlib import Path
from typing import Annotated, Any, Optional

import pytest
from pydantic import BaseModel, Field, SecretStr

from oneml.habitats.graph.signature import body_signature
from oneml.habitats.habitats.body_interface import body_interface, interface_digest
from oneml.habitats.habitats.settings_schema import schema_drifts, settings_schema
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.json_value import canonical_json


class Training(BaseModel):
    iterations: int = Field(default=5, ge=1)
    folder: Path | None = None


class Own(PipelineSettings):
    train: Training = Training()
    rate: float
    password: SecretStr = SecretStr("hunter2-canary")
    labels: dict[str, int] = Field(default_factory=dict)


def fields(model: type[BaseModel]) -> Any:
    return settings_schema(model)["fields"]


def test_fields_are_described_by_dotted_name_with_type_default_and_constraints() -> None:
    found = fields(Own)
    assert found["train.iterations"]["type"] == "int"
    assert found["train.iterations"]["default"] == 5
    assert found["train.iterations"]["constraints"] == [{"object": "annotated_types:Ge", "fields": {"ge": 1}}]
    assert found["train.folder"] == {"type": "None | pathlib:Path", "required": False, "default": None}
    assert found["rate"] == {"type": "float", "required": True}
    assert found["labels"]["default"] == {"factory": {"import": "builtins:dict"}}
    assert "engine" in found


def test_the_default_of_a_secret_is_never_there() -> None:
    assert fields(Own)["password"]["default"] == {"secret": "a default"}
    assert "hunter2" not in json.dumps(settings_schema(Own))


def test_a_default_that_contains_a_secret_is_never_there() -> None:
    class Login(BaseModel):
        password: SecretStr = SecretStr("hunter2-canary")

    class Holder(PipelineSettings):
        login: Login = Login()

    assert "hunter2" not in json.dumps(settings_schema(Holder))


def with_field(annotation: Any, default: Any) -> type[PipelineSettings]:
    namespace = {"__annotations__": {"a": annotation}, "a": default, "__module__": __name__, "__qualname__": "Made"}
    return type("Made", (PipelineSettings,), namespace)


def test_the_spelling_of_a_type_makes_no_difference() -> None:
    one, two = with_field(Optional[int], 1), with_field(int | None, 1)  # noqa: UP045  # what is tested
    assert canonical_json(settings_schema(one)) == canonical_json(settings_schema(two))
    assert schema_drifts(settings_schema(one), settings_schema(two)) == []


CHANGES: list[tuple[Any, Any, str, str, str]] = [
    (str, "1", "type", "int", "str"),
    (int, 2, "default", "1", "2"),
    (int, True, "default", "1", "true"),
    (int, ..., "required", "false", "true"),
]


@pytest.mark.parametrize(("annotation", "default", "field", "expected", "found"), CHANGES)
def test_each_change_of_a_field_is_a_drift(
    annotation: Any, default: Any, field: str, expected: str, found: str
) -> None:
    before, after = with_field(int, 1), with_field(annotation, default)
    drifts = {drift.field: drift for drift in schema_drifts(settings_schema(before), settings_schema(after))}
    drift = drifts[field]
    assert (drift.kind, drift.subject, drift.expected.strip('"'), drift.found.strip('"')) == (
        "setting",
        "a",
        expected,
        found,
    )  # type: ignore[union-attr]
    assert canonical_json(settings_schema(before)) != canonical_json(settings_schema(after))


def test_a_constraint_that_is_added_is_a_drift() -> None:
    before, after = with_field(int, 1), with_field(Annotated[int, Field(gt=0)], 1)
    [drift] = schema_drifts(settings_schema(before), settings_schema(after))
    assert (drift.field, drift.expected) == ("constraints", None)


def test_fields_that_come_and_go_are_drifts() -> None:
    class Without(PipelineSettings):
        pass

    drifts = schema_drifts(settings_schema(Without), settings_schema(Own))
    assert {(drift.subject, drift.field) for drift in drifts} >= {("settings", "model"), ("rate", ""), ("train", "")}


class Tree(BaseModel):
    below: Optional["Tree"] = None


class Recursive(PipelineSettings):
    tree: Tree = Tree()


def test_a_model_that_contains_itself_is_described_once() -> None:
    assert {"tree", "tree.below"} <= set(fields(Recursive))


def test_the_interface_of_a_body_is_its_ports() -> None:
    def body(table: list[int], *, rate: float = 0.5) -> dict[str, int]:
        return {str(rate): len(table)}

    def other(table: list[int], *, rate: float) -> dict[str, int]:
        return {str(rate): len(table)}

    signature = body_signature(body, bound=True)
    found: Any = body_interface(signature)
    assert found["inputs"]["rate"] == {"type": "float", "required": False, "keyword_only": True}
    assert found["positional"] == ["table"]
    assert found["result"] == "dict[str, int]"
    assert interface_digest(signature) != interface_digest(body_signature(other, bound=True))
