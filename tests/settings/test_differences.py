"""Variables that differ on a worker: without effect, and reported."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from oneml.habitats.settings.differences import Difference, environment_differences
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.process import files_here

if TYPE_CHECKING:
    from conftest import Machine


class Train(BaseModel):
    c: tuple[float, ...] = (0.1, 1.0)
    iterations: int = 200


VALIDATED: list[int] = []


class Digits(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="DIGITS_")
    seed: int = 7
    train: Train = Train(iterations=100)
    token: SecretStr | None = None

    @field_validator("seed")
    @classmethod
    def _count(cls, seed: int) -> int:
        VALIDATED.append(seed)
        return seed


CREATED = {"DIGITS_SEED": "11", "DIGITS_TRAIN__C": "[1, 2]", "DIGITS_TOKEN": "canary", "ONEML_SETTINGS__RETRIES": "2"}


def _here(machine: "Machine", changes: Mapping[str, str | None]) -> list[Difference]:
    machine.environ |= CREATED
    snapshot = machine.resolve(Digits, assignments=["seed=99"]).snapshot()
    worker = EffectiveSettings.from_snapshot(Digits, snapshot, machine.environ)
    environ = {name: text for name, text in {**CREATED, **changes}.items() if text is not None}
    return list(environment_differences(worker, environ))


def test_the_same_variables_make_no_difference_and_cost_no_validation(machine: "Machine") -> None:
    machine.environ |= CREATED
    worker = EffectiveSettings.from_snapshot(Digits, machine.resolve(Digits).snapshot(), CREATED)
    VALIDATED.clear()
    assert environment_differences(worker, {**CREATED, "PATH": "/elsewhere", "HOME": "/x"}) == ()
    assert VALIDATED == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"DIGITS_SEED": "12"}, ("DIGITS_SEED", "seed", "11", "12")),
        ({"DIGITS_SEED": None}, ("DIGITS_SEED", "seed", "11", None)),
        ({"DIGITS_TRAIN__ITERATIONS": "5"}, ("DIGITS_TRAIN__ITERATIONS", "train.iterations", "100", "5")),
        ({"DIGITS_TRAIN__C": None}, ("DIGITS_TRAIN__C", "train.c", "[1.0,2.0]", None)),
        ({"DIGITS_SEED": "many"}, ("DIGITS_SEED", "seed", "11", "many")),
        ({"ONEML_SETTINGS__RETRIES": "3"}, ("ONEML_SETTINGS__RETRIES", "retries", "2", "3")),
        ({"ONEML_SETTINGS__ENGINE": "dask"}, ("ONEML_SETTINGS__ENGINE", "engine", "in-process", "dask")),
        ({"DIGITS_TOKEN": None}, ("DIGITS_TOKEN", "token", "env:DIGITS_TOKEN", None)),
    ],
)
def test_a_variable_set_otherwise_or_not_at_all_is_told(
    machine: "Machine", changes: Mapping[str, str | None], expected: tuple[str, ...]
) -> None:
    assert _here(machine, changes) == [expected]


@pytest.mark.parametrize(
    "changes",
    [
        {"DIGITS_SEED": "011"},
        {"DIGITS_TRAIN__C": "[1.0, 2.00]"},
        {"DIGITS_TRAIN__ITERATIONS": "100"},
        {"DIGITS_TOKEN": "rotated"},
        {"DIGITS_UNKNOWN": "1"},
    ],
)
def test_a_variable_that_changes_no_setting_is_no_difference(machine: "Machine", changes: Mapping[str, str]) -> None:
    assert _here(machine, changes) == []


def test_a_missing_variable_whose_value_a_lower_layer_gives_too_is_no_difference(machine: "Machine") -> None:
    machine.dotenv("DIGITS_SEED=11\n")
    assert _here(machine, {"DIGITS_SEED": None}) == []


def test_several_differences_are_sorted_and_one_wrong_text_hides_no_other(machine: "Machine") -> None:
    found = _here(machine, {"DIGITS_TRAIN__ITERATIONS": "5", "DIGITS_SEED": "many", "DIGITS_TRAIN__C": None})
    assert [difference.name for difference in found] == ["DIGITS_SEED", "DIGITS_TRAIN__C", "DIGITS_TRAIN__ITERATIONS"]


def test_a_secret_by_file_and_a_variable_for_it_differ_without_showing_either(machine: "Machine") -> None:
    (machine.work / "t").write_text("canary-file")
    machine.environ["ONEML_SECRETS_DIR"] = str(machine.work)
    machine.project('[habitats.digits-training]\ntoken = "file:t"\n')
    worker = EffectiveSettings.from_snapshot(Digits, machine.resolve(Digits).snapshot(), machine.environ)
    found = environment_differences(worker, {**machine.environ, "DIGITS_TOKEN": "canary-here"})
    assert found == [("DIGITS_TOKEN", "token", "file:t", "env:DIGITS_TOKEN")]


def test_files_that_say_otherwise_are_told_with_the_line_and_those_that_are_missing_are_not(machine: "Machine") -> None:
    machine.project("[habitats.digits-training]\nseed = 11\ntrain.iterations = 5\n")
    snapshot = machine.resolve(Digits).snapshot()
    worker = EffectiveSettings.from_snapshot(Digits, snapshot, {})

    def found() -> list[Difference]:
        files = files_here(Digits, "digits-training", machine.sources)
        return list(environment_differences(worker, {}, files=files))

    assert found() == []
    project = machine.project("[habitats.digits-training]\nseed = 12\n")
    assert found() == [(f"{project}:2", "seed", "11", "12")]
    project.unlink()
    assert found() == []
    dotenv = machine.dotenv("DIGITS_SEED=13\nDIGITS_TOKEN=canary\n")
    assert [(one.name, one.here) for one in found()] == [(f"{dotenv}:1", "13"), (f"{dotenv}:2", "what is no reference")]


def test_a_secret_that_a_file_here_gives_itself_is_not_shown(machine: "Machine") -> None:
    worker = EffectiveSettings.from_snapshot(Digits, machine.resolve(Digits).snapshot(), {})
    machine.project('[habitats.digits-training]\ntoken = "canary-here"\n')
    files = files_here(Digits, "digits-training", machine.sources)
    assert "canary" not in str([*map(str, environment_differences(worker, {}, files=files))])


def test_a_difference_tells_itself() -> None:
    assert str(Difference("DIGITS_SEED", "seed", "11", "12")) == (
        "DIGITS_SEED gives '12' here, without effect: the recipe has seed = 11"
    )
    assert "is not set here" in str(Difference("DIGITS_SEED", "seed", "11", None))
