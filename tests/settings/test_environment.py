"""Variables: which are settings, how their texts are read, and which are mistakes."""

from datetime import date
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, Field
from pydantic_settings import SettingsConfigDict

from oneml.habitats.errors import SettingsError, UnknownSettingError, UnknownVariableError
from oneml.habitats.settings.environment import environment_layer
from oneml.habitats.settings.layers import Layer
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.variables import CONTROL_VARIABLES, variables_below

if TYPE_CHECKING:
    from conftest import Machine


class Color(Enum):
    RED = "red"


class Inner(BaseModel):
    depth: int = 1
    name: str | None = None


class Knobs(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="KNOBS_")
    text: str = "x"
    maybe: str | None = None
    count: int | None = None
    flag: bool = False
    rates: list[float] = Field(default_factory=list[float])
    labels: dict[str, int] = Field(default_factory=dict[str, int])
    color: Color = Color.RED
    day: date = date(2024, 1, 1)
    root: Path = Path()
    inner: Inner = Inner()
    Upper: int = 1


class Bare(PipelineSettings):
    """A package without fields of its own."""


def test_texts_of_variables_become_what_the_fields_are(machine: "Machine") -> None:
    machine.environ |= {
        "KNOBS_TEXT": "12",
        "KNOBS_COUNT": "3",
        "KNOBS_FLAG": "yes",
        "KNOBS_RATES": "[1, 2.5]",
        "KNOBS_LABELS": '{"a": 1}',
        "KNOBS_COLOR": "red",
        "KNOBS_DAY": "2025-02-03",
        "KNOBS_ROOT": "/data",
        "KNOBS_INNER__DEPTH": "4",
        "KNOBS_UPPER": "9",
    }
    knobs = machine.resolve(Knobs).process
    assert (knobs.text, knobs.count, knobs.flag, knobs.rates, knobs.labels) == ("12", 3, True, [1.0, 2.5], {"a": 1})
    assert (knobs.color, knobs.day, knobs.root) == (Color.RED, date(2025, 2, 3), Path("/data"))
    assert (knobs.inner.depth, knobs.Upper) == (4, 9)


def test_names_may_be_written_in_any_case_but_not_in_two(machine: "Machine") -> None:
    machine.environ["knobs_text"] = "a"
    assert machine.resolve(Knobs).process.text == "a"
    machine.environ["KNOBS_TEXT"] = "b"
    with pytest.raises(SettingsError, match="KNOBS_TEXT and knobs_text are one variable"):
        machine.resolve(Knobs)


def test_null_is_none_where_none_is_a_value(machine: "Machine") -> None:
    machine.project('[habitats.digits-training]\nmaybe = "a"\ncount = 3\ninner.name = "b"\n')
    machine.environ |= {"KNOBS_MAYBE": "null", "KNOBS_COUNT": "null", "KNOBS_INNER__NAME": "null", "KNOBS_TEXT": "null"}
    knobs = machine.resolve(Knobs).process
    assert (knobs.maybe, knobs.count, knobs.inner.name, knobs.text) == (None, None, None, "null")


def test_null_for_what_cannot_be_none_is_refused(machine: "Machine") -> None:
    machine.environ["KNOBS_RATES"] = "null"
    with pytest.raises(SettingsError, match="rates: null is no value of it"):
        machine.resolve(Knobs)


def test_a_variable_for_a_part_wins_over_one_for_the_whole(machine: "Machine") -> None:
    machine.environ |= {"KNOBS_INNER__DEPTH": "5", "KNOBS_INNER": '{"depth": 4, "name": "n"}'}
    settings = machine.resolve(Knobs)
    assert settings.process.inner == Inner(depth=5, name="n")
    origins = settings.origins()
    assert (origins["inner.depth"].source, origins["inner.name"].source) == ("KNOBS_INNER__DEPTH", "KNOBS_INNER")


def test_variables_for_keys_of_a_mapping_are_put_together(machine: "Machine") -> None:
    machine.user('[serializers]\nlower = "gone"\n')
    machine.environ |= {"ONEML_SETTINGS__SERIALIZERS__A": "json", "ONEML_SETTINGS__SERIALIZERS__B": "skops"}
    settings = machine.resolve(Knobs)
    assert settings.process.serializers == {"a": "json", "b": "skops"}
    assert settings.origins()["serializers"].source == "ONEML_SETTINGS__SERIALIZERS__A, ONEML_SETTINGS__SERIALIZERS__B"


def test_reserved_fields_are_read_under_their_prefix_in_every_package(machine: "Machine") -> None:
    machine.environ |= {"ONEML_SETTINGS__ENGINE": "process", "ONEML_SETTINGS__RESOURCES__GPUS": "2"}
    for model in (Knobs, Bare, PipelineSettings):
        process = machine.resolve(model).process
        assert (process.engine, process.resources.gpus) == ("process", 2)


@pytest.mark.parametrize("line", ["export KNOBS_TEXT: x", "KNOBS_TEXT x"])
def test_an_unreadable_line_of_dotenv_is_an_error_where_it_begins_with_a_variable_of_ours(
    machine: "Machine", line: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = machine.dotenv(f"# ours\nOTHER\nno line of ours\n\n{line}\nKNOBS_FLAG=true\n")
    with pytest.raises(SettingsError) as raised:
        machine.resolve(Knobs)
    assert "KNOBS_TEXT: cannot be read: write KNOBS_TEXT=VALUE" in str(raised.value)
    assert f"({path}:5)" in str(raised.value)
    assert caplog.messages == []


class Level(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="LEVEL_")
    at: float = 0.5


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_a_number_may_be_one_that_json_has_no_word_for(machine: "Machine", text: str) -> None:
    machine.environ["LEVEL_AT"] = text
    assert repr(machine.resolve(Level).process.at) == text


def test_control_variables_are_never_settings(machine: "Machine") -> None:
    machine.environ |= dict.fromkeys(CONTROL_VARIABLES, "x")
    assert machine.resolve(Knobs).process == Knobs()


def test_a_misspelt_reserved_variable_gets_the_nearest_name(machine: "Machine") -> None:
    machine.environ["ONEML_SETTINGS__RETIRES"] = "3"
    with pytest.raises(UnknownVariableError, match='Did you mean "ONEML_SETTINGS__RETRIES"') as raised:
        machine.resolve(Knobs)
    assert raised.value.variable == "ONEML_SETTINGS__RETIRES"
    assert "env_prefix" not in str(raised.value)


def test_a_misspelt_variable_of_the_package_gets_the_nearest_name_and_the_way_out(machine: "Machine") -> None:
    machine.environ["KNOBS_TXT"] = "3"
    with pytest.raises(UnknownVariableError, match=r'Did you mean "KNOBS_TEXT".*declare another env_prefix in Knobs'):
        machine.resolve(Knobs)


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("KNOBS_RETRIES", '"retries" is read from ONEML_SETTINGS__RETRIES'),
        ("KNOBS_RESOURCES__GPUS", '"resources.gpus" is read from ONEML_SETTINGS__RESOURCES__GPUS'),
        ("ONEML_SETTINGS__INNER__DEPTH", '"inner.depth" is read from KNOBS_INNER__DEPTH'),
    ],
)
def test_a_field_under_the_other_prefix_says_where_it_is_read(machine: "Machine", variable: str, hint: str) -> None:
    machine.environ[variable] = "3"
    with pytest.raises(UnknownVariableError) as raised:
        machine.resolve(Knobs)
    assert hint in str(raised.value)


def test_a_misspelt_part_of_a_variable_gets_its_siblings(machine: "Machine") -> None:
    machine.environ["KNOBS_INNER__DPETH"] = "3"
    with pytest.raises(UnknownSettingError, match=r'No setting "inner.dpeth" in Knobs.*mean "depth"') as raised:
        machine.resolve(Knobs)
    assert raised.value.problems[0].source == "KNOBS_INNER__DPETH"


def test_variables_under_no_prefix_of_settings_are_nobody_s_business(machine: "Machine") -> None:
    machine.environ |= {"PATH": "/bin", "KNOB": "1", "ONEML_SETTING": "x", "BARE_ANYTHING": "1", "Kß": "x"}
    assert machine.resolve(Knobs).process == Knobs()
    assert machine.resolve(Bare).process == Bare()


def test_json_that_is_none_names_the_variable_and_not_its_text(machine: "Machine") -> None:
    machine.environ["KNOBS_LABELS"] = '{"canary'
    with pytest.raises(SettingsError, match=r'labels: needs JSON, such as {"key": \.\.\.} \(KNOBS_LABELS\)') as raised:
        machine.resolve(Knobs)
    assert "canary" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_text_that_is_not_unicode_is_refused(machine: "Machine") -> None:
    machine.environ["KNOBS_TEXT"] = "a\udcff"
    with pytest.raises(SettingsError, match=r"text: is not Unicode text \(KNOBS_TEXT\)"):
        machine.resolve(Knobs)


def test_a_variable_of_the_wrong_type_is_named(machine: "Machine") -> None:
    machine.environ["KNOBS_INNER__DEPTH"] = "deep"
    with pytest.raises(SettingsError, match=r"inner.depth: Input should be a valid integer.*\(KNOBS_INNER__DEPTH\)"):
        machine.resolve(Knobs)


def test_what_is_wrong_is_not_in_the_layer() -> None:
    layer, errors = environment_layer(Knobs, {"KNOBS_LABELS": "{", "KNOBS_TEXT": "a", "KNOBS_X": "b"})
    assert layer.layer is Layer.ENVIRONMENT
    assert layer.values == {"text": "a"}
    assert len(errors) == 2


def test_every_setting_has_a_variable() -> None:
    found = set(variables_below(Knobs, "KNOBS_", {"inner", "text", "Upper"}))
    assert found == {"KNOBS_INNER", "KNOBS_INNER__DEPTH", "KNOBS_INNER__NAME", "KNOBS_TEXT", "KNOBS_UPPER"}
