"""The three classes of settings: what they take, what they refuse, and what they are by themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field, RootModel, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from oneml.habitats.errors import (
    InvalidNodePathError,
    InvalidSettingsModelError,
    SettingsError,
    UnknownSettingError,
)
from oneml.habitats.settings.models import (
    RESERVED_NAMES,
    PipelineNodeSettings,
    PipelineSessionSettings,
    PipelineSettings,
    Resources,
)
from oneml.habitats.settings.shapes import settings_of
from oneml.habitats.settings.variables import prefix_of


class Train(BaseModel):
    c: tuple[float, ...] = (0.1, 1.0, 10.0)
    iterations: int = 200


class Digits(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="DIGITS_")
    seed: int = 7
    train: Train = Train()


class Late(PipelineSettings):
    later: "Later | None" = None


class Later(BaseModel):
    x: int = 1


@dataclass
class Plain:
    x: int = 1


class Color(Enum):
    RED = "red"


def _redeclares_a_reserved_field() -> None:
    class Bad(PipelineSettings):
        retries: int = 3


def _overrides_a_reserved_field_without_a_type() -> None:
    class Bad(PipelineSettings):
        engine = "dask"


def _hides_a_reserved_field_by_a_method() -> None:
    class Bad(PipelineSettings):
        def image(self) -> str:
            return "x"


def _inherits_a_reserved_field() -> None:
    class Mixin(BaseModel):
        workers: int = 3

    class Bad(Mixin, PipelineSettings):
        pass


def _calls_a_field_nodes() -> None:
    class Bad(PipelineSettings):
        nodes: int = 3


@pytest.mark.parametrize(
    ("define", "name"),
    [
        (_redeclares_a_reserved_field, "retries"),
        (_overrides_a_reserved_field_without_a_type, "engine"),
        (_hides_a_reserved_field_by_a_method, "image"),
        (_inherits_a_reserved_field, "workers"),
        (_calls_a_field_nodes, "nodes"),
    ],
)
def test_declaring_a_reserved_name_fails_at_once_and_lists_the_reserved_ones(
    define: Callable[[], None], name: str
) -> None:
    with pytest.raises(InvalidSettingsModelError) as raised:
        define()
    assert f'"{name}" is reserved' in str(raised.value)
    assert all(reserved in str(raised.value) for reserved in RESERVED_NAMES)
    assert raised.value.model == "Bad"


def _has_an_alias() -> None:
    class Bad(PipelineSettings):
        rate: float = Field(default=0.1, alias="lr")


def _reads_another_file() -> None:
    class Bad(PipelineSettings):
        model_config = SettingsConfigDict(env_file="other.env")


def _takes_everything() -> None:
    class Bad(PipelineSettings):
        model_config = SettingsConfigDict(extra="allow")


def _can_be_changed() -> None:
    class Bad(PipelineSettings):
        model_config = SettingsConfigDict(frozen=False)


def _takes_the_prefix_of_the_control_variables() -> None:
    class Bad(PipelineSettings):
        model_config = SettingsConfigDict(env_prefix="ONEML_")
        rate: float = 0.1


def _takes_the_reserved_prefix() -> None:
    class Bad(PipelineSettings):
        model_config = SettingsConfigDict(env_prefix="oneml_settings__")
        rate: float = 0.1


def _contains_settings_that_read_the_environment() -> None:
    class Client(BaseSettings):
        url: str = "x"

    class Bad(PipelineSettings):
        clients: dict[str, list[Client] | None] | None = None


def _defines_its_sources() -> None:
    class Bad(PipelineSettings):
        @classmethod
        def settings_customise_sources(cls, *_: Any, **__: Any) -> tuple[Any, ...]:
            return ()


@pytest.mark.parametrize(
    ("define", "reason"),
    [
        (_has_an_alias, '"rate" has an alias'),
        (_reads_another_file, 'changes "env_file"'),
        (_takes_everything, 'changes "extra"'),
        (_can_be_changed, 'changes "frozen"'),
        (_takes_the_prefix_of_the_control_variables, "ONEML_"),
        (_takes_the_reserved_prefix, "ONEML_SETTINGS__"),
        (_contains_settings_that_read_the_environment, '"clients" contains Client'),
        (_defines_its_sources, "settings_customise_sources"),
    ],
)
def test_a_model_that_would_read_settings_its_own_way_is_refused(define: Callable[[], None], reason: str) -> None:
    with pytest.raises(InvalidSettingsModelError, match="cannot declare settings") as raised:
        define()
    assert reason in str(raised.value)


def test_every_reserved_field_is_described() -> None:
    assert all(field.description for field in PipelineSettings.model_fields.values())


def test_a_package_without_a_prefix_gets_its_import_name() -> None:
    class Plain(PipelineSettings):
        rate: float = 0.1

    Plain.__module__ = "hello_world_demo.settings"
    assert prefix_of(Plain) == "HELLO_WORLD_DEMO_"


def test_a_declared_prefix_is_inherited_and_a_derived_one_is_not() -> None:
    class Narrow(Digits):
        more: int = 1

    class Plain(PipelineSettings):
        rate: float = 0.1

    class Narrower(Plain):
        more: int = 1

    Plain.__module__, Narrower.__module__ = "lower_package.x", "upper_package.y"
    assert prefix_of(Narrow) == "DIGITS_"
    assert prefix_of(Narrower) == "UPPER_PACKAGE_"


def test_a_model_called_directly_reads_both_prefixes_and_takes_arguments_over_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DIGITS_SEED", "11")
    monkeypatch.setenv("DIGITS_TRAIN__ITERATIONS", "12")
    monkeypatch.setenv("DIGITS_RETRIES", "13")
    monkeypatch.setenv("ONEML_SETTINGS__RETRIES", "2")
    monkeypatch.setenv("ONEML_SETTINGS__SEED", "14")
    settings = Digits(seed=3)
    assert (settings.seed, settings.train.iterations, settings.retries) == (3, 12, 2)
    assert Digits().seed == 11


def test_a_model_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Digits().seed = 3  # type: ignore[misc]


def test_a_model_may_refer_to_one_defined_later() -> None:
    class Never(PipelineSettings):
        later: "NotDefinedAnywhere | None" = None  # noqa: F821  # that is the point

    assert settings_of(Late)["later"].model is Later
    with pytest.raises(InvalidSettingsModelError, match='the type "NotDefinedAnywhere" is not defined'):
        settings_of(Never)


def test_entries_hold_what_is_set_and_nothing_else() -> None:
    settings = PipelineNodeSettings(
        retries=2, image=None, resources=Resources(gpus=1), fields={"train": Train(iterations=500), "seed": 3}
    )
    assert settings.entries() == {
        "image": None,
        "resources": {"gpus": 1},
        "retries": 2,
        "seed": 3,
        "train": {"iterations": 500},
    }


def test_entries_of_a_session_leave_out_its_nodes() -> None:
    on_train = PipelineNodeSettings(retries=1)
    settings = PipelineSessionSettings(workers=None, fields={"seed": 3}, nodes={"//train": on_train})
    assert settings.entries() == {"workers": None, "seed": 3}


def test_values_given_in_code_become_json() -> None:
    fields = {
        "day": date(2024, 5, 1),
        "root": Path("data"),
        "color": Color.RED,
        "top": float("inf"),
        "ids": {3, 1, 2},
        "plain": Plain(x=3),
        "rooted": RootModel[list[int]]([1]),
        "by_number": {1: "a"},
    }
    assert PipelineNodeSettings(fields=fields).entries() == {
        "day": "2024-05-01",
        "root": "data",
        "color": "red",
        "top": "Infinity",
        "ids": [1, 2, 3],
        "plain": {"x": 3},
        "rooted": [1],
        "by_number": {"1": "a"},
    }


@pytest.mark.parametrize("value", [object(), b"\xff", {"x": [object()]}, 10**400, "\udc80"])
def test_a_value_without_a_form_in_json_is_refused_by_name(value: object) -> None:
    with pytest.raises(SettingsError, match=r"^knob: "):
        PipelineNodeSettings(fields={"knob": value}).entries()


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(SettingsError, match="knob: is nested deeper than 32"):
        PipelineNodeSettings(fields={"knob": loop}).entries()


def test_a_secret_in_code_is_refused_without_showing_it() -> None:
    given = PipelineNodeSettings(fields={"client": {"token": SecretStr("canary-value")}})
    with pytest.raises(SettingsError, match="client: holds a secret itself") as raised:
        given.entries()
    assert "canary" not in str(raised.value)


def test_a_misspelt_field_gets_the_nearest_name() -> None:
    with pytest.raises(UnknownSettingError, match=r'No setting "retires" in PipelineNodeSettings.*mean "retries"'):
        PipelineNodeSettings(retires=3)  # type: ignore[call-arg]


def test_everything_wrong_with_node_settings_is_in_one_report() -> None:
    with pytest.raises(SettingsError) as raised:
        PipelineNodeSettings(retries=-1, engine="", timeout_seconds=0, retry_delay_seconds=float("nan"))
    names = {problem.setting for problem in raised.value.problems}
    assert names == {"retries", "engine", "timeout_seconds", "retry_delay_seconds"}


@pytest.mark.parametrize("name", ["workers", "on_failure", "allow_pickle", "verification", "nodes"])
def test_a_node_cannot_set_what_the_session_shares(name: str) -> None:
    with pytest.raises(UnknownSettingError):
        PipelineNodeSettings(**{name: None})


@pytest.mark.parametrize("kind", [PipelineNodeSettings, PipelineSessionSettings])
def test_only_the_store_in_memory_may_be_chosen_for_a_session_or_a_node(
    kind: type[PipelineNodeSettings | PipelineSessionSettings],
) -> None:
    assert kind(store="memory:").entries() == {"store": "memory:"}
    with pytest.raises(SettingsError, match="ONEML_STORE_URL"):
        kind(store="file:///elsewhere")


def test_reserved_names_do_not_belong_among_the_own_fields() -> None:
    with pytest.raises(SettingsError, match='"retries" is reserved'):
        PipelineSessionSettings(fields={"retries": 3})


def test_nodes_are_named_by_paths() -> None:
    with pytest.raises(InvalidNodePathError):
        PipelineSessionSettings(nodes={"train": PipelineNodeSettings(retries=1)})


def test_entries_do_not_change_with_the_mapping_that_they_were_made_of() -> None:
    fields: dict[str, object] = {"seed": 3}
    settings = PipelineNodeSettings(fields=fields)
    fields["seed"] = 4
    assert settings.entries() == {"seed": 3}
