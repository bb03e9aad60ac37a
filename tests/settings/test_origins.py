"""Origins: each value says which layer gave it, where that was written, and what it hid."""

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, SecretStr
from pydantic_settings import SettingsConfigDict

from oneml.habitats.settings.layers import Layer, Origin
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.rows import setting_rows
from oneml.habitats.settings.toml_files import line_of

if TYPE_CHECKING:
    from conftest import Machine


class Train(BaseModel):
    c: tuple[float, ...] = (0.1, 1.0)
    iterations: int = 200


class Digits(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="DIGITS_")
    seed: int = 7
    required: int
    train: Train = Train(iterations=100)
    token: SecretStr | None = None


def test_every_value_has_the_origin_of_the_layer_that_gave_it(machine: "Machine") -> None:
    user = machine.user("retries = 1\n")
    project = machine.project("[habitats.digits-training.train]\n\niterations = 5\n")
    dotenv = machine.dotenv("\nDIGITS_REQUIRED=2\n")
    machine.environ["ONEML_SETTINGS__ENGINE"] = "process"
    given = machine.file("workers = 4\n")
    settings = machine.resolve(Digits, file=given, session={"image": "x"}, assignments=["seed=3", "//a:seed=4"])
    origins = settings.origins("//a", {"timeout_seconds": 5})
    assert origins["retries"] == (Layer.USER_FILE, f"{user}:1", None)
    assert origins["train.iterations"] == (Layer.PROJECT_FILE, f"{project}:3", None)
    assert origins["required"] == (Layer.DOTENV, f"{dotenv}:2", None)
    assert origins["engine"] == (Layer.ENVIRONMENT, "ONEML_SETTINGS__ENGINE", None)
    assert origins["workers"] == (Layer.SETTINGS_FILE, f"{given}:1", None)
    assert origins["image"].layer is Layer.CODE
    assert origins["timeout_seconds"] == (Layer.NODE_DEFAULT, "node default", None)
    assert origins["seed"] == (Layer.SET, "--set //a:seed=4", "//a")
    assert origins["train.c"] == (Layer.DEFAULT, "", None)
    assert settings.origins()["seed"].source == "--set seed=3"


def test_there_is_an_origin_for_every_value_and_for_nothing_else(machine: "Machine") -> None:
    machine.environ |= {"DIGITS_REQUIRED": "1", "ONEML_SETTINGS__SERIALIZERS__A": "json"}
    settings = machine.resolve(Digits)
    names = {row.name for row in setting_rows(settings)}
    assert settings.origins().keys() == names
    assert {"train.c", "resources.gpus", "serializers", "token"} <= names
    assert "train" not in names


def test_rows_are_sorted_and_show_references_for_secrets(machine: "Machine") -> None:
    machine.environ |= {"DIGITS_REQUIRED": "1", "DIGITS_TOKEN": "canary"}
    rows = setting_rows(machine.resolve(Digits, assignments=["//a:seed=4"]), "//a")
    assert [row.name for row in rows] == sorted(row.name for row in rows)
    by_name = {row.name: row for row in rows}
    assert by_name["token"] == ("token", "env:DIGITS_TOKEN", Layer.ENVIRONMENT, "DIGITS_TOKEN", True)
    assert by_name["seed"] == ("seed", 4, Layer.SET, "--set //a:seed=4", False)
    assert by_name["train.c"].value == [0.1, 1.0]


def test_an_origin_prints_as_its_source() -> None:
    assert str(Origin(Layer.ENVIRONMENT, "DIGITS_SEED")) == "DIGITS_SEED"
    assert str(Origin(Layer.DEFAULT, "")) == "default"


TEXT = """\
# comment
engine = "process"
a.b = 1
'quoted.key' . "x" = 2

[habitats."digits-training"]
seed = 3
train = { c = [1], iterations = 5 }
long = [
  1,
]
[habitats.digits-training.deep]
x = 1
[ nodes . "//train" ]
retries = 2
[[several]]
z = 1
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("engine",), 2),
        (("a", "b"), 3),
        (("a", "b", "c"), 3),
        (("quoted.key", "x"), 4),
        (("habitats", "digits-training"), 6),
        (("habitats", "digits-training", "seed"), 7),
        (("habitats", "digits-training", "train", "iterations"), 8),
        (("habitats", "digits-training", "long"), 9),
        (("habitats", "digits-training", "deep", "x"), 13),
        (("nodes", "//train", "retries"), 15),
        (("nodes", "//train", "image"), 14),
        (("several", "z"), 17),
        (("absent",), None),
        (("a",), None),
    ],
)
def test_the_line_of_a_value_is_found_in_the_text(keys: tuple[str, ...], line: int | None) -> None:
    assert line_of(TEXT, keys) == line
