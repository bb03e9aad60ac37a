"""The shape of models: what merges, what replaces, what hides secrets, and which names are unknown."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Generic, NewType, TypeVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, Secret, SecretBytes, SecretStr
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypeAliasType, TypedDict

from oneml.habitats.errors import InvalidSettingsModelError, UnknownSettingError
from oneml.habitats.settings.checks import unknown_names
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.shapes import combined, find_setting, leaves, merged, nested, settings_of, value_at

T = TypeVar("T")
Token = NewType("Token", SecretStr)
Alias = TypeAliasType("Alias", "Annotated[Inner | None, Field(description='x')]")
Recursive = TypeAliasType("Recursive", "list[Recursive] | int")


class Inner(BaseModel):
    x: int = 1
    y: int = 2


class Holder(BaseModel, Generic[T]):
    value: T


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: int = 1


class Typed(TypedDict, total=False):
    x: int
    inner: Inner


@dataclasses.dataclass
class Plain:
    x: int = 1
    inner: Inner = dataclasses.field(default_factory=Inner)


@pydantic_dataclass
class Checked:
    token: SecretStr = SecretStr("x")


class Everything(BaseModel):
    inner: Inner = Inner()
    maybe: Inner | None = None
    alias: Alias = None
    generic: Holder[int] = Holder[int](value=1)
    either: Inner | Open = Inner()
    items: list[Inner] = []
    by_name: dict[str, Inner] = {}
    pair: tuple[int, Inner] = (1, Inner())
    many: tuple[Inner, ...] = ()
    typed: Typed = {}
    plain: Plain = dataclasses.field(default_factory=Plain)
    open_one: Open = Open()
    root: RootModel[dict[str, Inner]] = RootModel[dict[str, Inner]]({})
    rooted: RootModel[Inner] = RootModel[Inner](Inner())
    anything: Any = None
    loose: Inner | dict[str, int] | None = None
    recursive: Recursive = 1


@pytest.mark.parametrize(
    ("name", "model"), [("inner", Inner), ("maybe", Inner), ("alias", Inner), ("generic", Holder[int]), ("plain", None)]
)
def test_a_single_model_merges_whatever_it_is_wrapped_in(name: str, model: type[BaseModel] | None) -> None:
    assert settings_of(Everything)[name].model is model


@pytest.mark.parametrize("name", ["either", "items", "by_name", "root", "rooted", "typed", "anything", "loose"])
def test_everything_else_is_a_value(name: str) -> None:
    assert settings_of(Everything)[name].model is None


@pytest.mark.parametrize(
    ("annotation", "secret"),
    [
        (SecretStr, True),
        (SecretBytes | None, True),
        (Secret[int], True),
        (Token, True),
        (list[SecretStr], True),
        (dict[str, tuple[SecretStr, ...]], True),
        (Annotated[SecretStr | None, Field(description="x")], True),
        (Checked, True),
        (RootModel[SecretStr], True),
        (list[Holder[SecretStr]], True),
        (str, False),
        (list[Inner], False),
        (Recursive, False),
    ],
)
def test_a_secret_is_found_wherever_a_type_holds_it(annotation: Any, secret: bool) -> None:
    model = type("M", (BaseModel,), {"__annotations__": {"field": annotation}})
    assert settings_of(model)["field"].secret is secret


def test_a_model_with_a_secret_inside_hides_and_is_none_itself() -> None:
    class Client(BaseModel):
        token: SecretStr

    class Owner(BaseModel):
        client: Client

    setting = settings_of(Owner)["client"]
    assert (setting.hides, setting.secret) == (True, False)


def test_settings_that_read_the_environment_are_refused_wherever_they_hide() -> None:
    class Owner(BaseModel):
        deep: list[Holder[PipelineSettings | None]] = []

    with pytest.raises(InvalidSettingsModelError, match="PipelineSettings, which would read the environment"):
        settings_of(Owner)


@pytest.mark.parametrize(
    ("tree", "unknown"),
    [
        ({"inner": {"z": 1}}, "inner.z"),
        ({"maybe": {"z": 1}}, "maybe.z"),
        ({"either": {"x": 1, "y": 2}}, None),
        ({"items": [{"x": 1}, {"z": 1}]}, "items.1.z"),
        ({"by_name": {"any": {"z": 1}}}, "by_name.any.z"),
        ({"pair": [1, {"z": 1}]}, "pair.1.z"),
        ({"many": [{"z": 1}]}, "many.0.z"),
        ({"typed": {"inner": {"z": 1}}}, "typed.inner.z"),
        ({"typed": {"z": 1}}, "typed.z"),
        ({"plain": {"inner": {"z": 1}}}, "plain.inner.z"),
        ({"root": {"any": {"z": 1}}}, "root.any.z"),
        ({"rooted": {"z": 1}}, "rooted.z"),
        ({"open_one": {"z": 1}}, None),
        ({"anything": {"z": 1}}, None),
        ({"loose": {"z": 1}}, None),
        ({"recursive": [[1], [[2]]]}, None),
        ({"zz": 1}, "zz"),
    ],
)
def test_an_unknown_name_is_found_inside_lists_mappings_and_structures(
    tree: Mapping[str, Any], unknown: str | None
) -> None:
    assert [".".join(found.name) for found in unknown_names(Everything, tree)] == ([unknown] if unknown else [])


def test_models_merge_and_everything_else_replaces() -> None:
    lower = {"inner": {"x": 5, "y": 6}, "by_name": {"a": {"x": 1}}, "maybe": None}
    upper = {"inner": {"x": 7}, "by_name": {"b": {}}, "maybe": {"x": 1}}
    assert merged(Everything, lower, upper) == {
        "inner": {"x": 7, "y": 6},
        "by_name": {"b": {}},
        "maybe": {"x": 1},
    }
    assert combined(Everything, lower, upper)["by_name"] == {"a": {"x": 1}, "b": {}}
    assert merged(Everything, lower, {"inner": None})["inner"] is None


def test_merging_changes_neither_side() -> None:
    lower = {"inner": {"x": 5}}
    upper = {"inner": {"y": 6}}
    merged(Everything, lower, upper)
    assert (lower, upper) == ({"inner": {"x": 5}}, {"inner": {"y": 6}})


def test_leaves_are_where_values_replace_each_other() -> None:
    tree = {"inner": {"x": 5}, "by_name": {"a": {"x": 1}}, "maybe": None, "unknown": 1}
    assert [(leaf.name, leaf.value) for leaf in leaves(Everything, tree)] == [
        (("inner", "x"), 5),
        (("by_name",), {"a": {"x": 1}}),
        (("maybe",), None),
    ]


def test_a_setting_is_found_by_its_names() -> None:
    assert find_setting(Everything, ("inner", "x")).annotation is int
    for name in (("inner", "z"), ("items", "x"), ("inner", "x", "y"), ()):
        with pytest.raises(UnknownSettingError):
            find_setting(Everything, name)


def test_a_nested_tree_holds_one_value() -> None:
    assert nested(("a", "b", "c"), 1) == {"a": {"b": {"c": 1}}}
    assert value_at(nested(("a", "b"), 1), ("a", "b")) == 1
    assert value_at({"a": 1}, ("a", "b")) is None
