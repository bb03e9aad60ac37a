"""Settings of nodes: which entry wins, and what it costs where many nodes share one."""

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, field_validator
from pydantic_settings import SettingsConfigDict

from oneml.habitats.errors import SettingsError, UnknownSettingError
from oneml.habitats.settings.models import PipelineNodeSettings, PipelineSessionSettings, PipelineSettings, Resources
from oneml.habitats.settings.node_values import CACHED_NODES_MAX

if TYPE_CHECKING:
    from conftest import Machine


class Train(BaseModel):
    c: tuple[float, ...] = (0.1, 1.0)
    iterations: int = 200


class Digits(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="DIGITS_")
    seed: int = 7
    train: Train = Train()
    extra: Train | None = None


VALIDATED: list[int] = []


class Counting(PipelineSettings):
    seed: int = 7

    @field_validator("seed")
    @classmethod
    def _count(cls, seed: int) -> int:
        VALIDATED.append(seed)
        return seed


def test_a_node_without_entries_has_the_settings_of_the_session_itself(machine: "Machine") -> None:
    settings = machine.resolve(Digits, assignments=["seed=3", "//other:seed=4"])
    assert settings.node("//train") is settings.session
    assert settings.node("//train", {}) is settings.session


def test_the_author_s_default_wins_over_the_session_and_loses_to_its_entries(machine: "Machine") -> None:
    author = PipelineNodeSettings(image="digits:1", retries=1, fields={"seed": 2}).entries()
    settings = machine.resolve(Digits, session={"image": "mine", "seed": 1}, assignments=["//train:seed=3"])
    node = settings.node("//train", author)
    assert (node.image, node.retries, node.seed) == ("digits:1", 1, 3)
    assert settings.session.image == "mine"


def test_the_longer_path_wins_whatever_gave_it(machine: "Machine") -> None:
    path = machine.file('[nodes."//a/b"]\nseed = 3\n')
    settings = machine.resolve(Digits, file=path, assignments=["//a:seed=1", "//a:retries=4"])
    node = settings.node("//a/b")
    assert (node.seed, node.retries) == (3, 4)
    assert settings.node("//a/c").seed == 1


def test_within_one_path_an_assignment_wins_over_code_and_code_over_the_file(machine: "Machine") -> None:
    path = machine.file('[nodes."//a"]\nseed = 1\nretries = 1\nretry_delay_seconds = 1\n')
    code = PipelineSessionSettings(nodes={"//a": PipelineNodeSettings(retries=2, fields={"seed": 2})})
    node = machine.resolve(Digits, file=path, session=code, assignments=["//a:seed=3"]).node("//a")
    assert (node.seed, node.retries, node.retry_delay_seconds) == (3, 2, 1.0)


def test_an_entry_for_a_fan_out_covers_its_members_and_one_for_a_member_that_alone(machine: "Machine") -> None:
    settings = machine.resolve(Digits, assignments=["//train:seed=1", "//train/0:seed=2"])
    assert [settings.node(f"//train/{key}").seed for key in ("0", "1", "weak/0")] == [2, 1, 1]
    assert settings.node("//training").seed == 7


def test_models_merge_below_the_node_too(machine: "Machine") -> None:
    machine.environ |= {"ONEML_SETTINGS__RESOURCES__CPUS": "4", "DIGITS_TRAIN__ITERATIONS": "9"}
    on_train = PipelineNodeSettings(resources=Resources(gpus=1), fields={"train": {"c": [5]}, "extra": {"c": [6]}})
    node = machine.resolve(Digits, session={"nodes": {"//train": on_train}}).node("//train")
    assert (node.resources.cpus, node.resources.gpus) == (4.0, 1)
    assert node.train == Train(c=(5.0,), iterations=9)
    assert node.extra == Train(c=(6.0,))


def test_an_explicit_none_unsets_what_the_session_set(machine: "Machine") -> None:
    settings = machine.resolve(Digits, session={"image": "x"}, assignments=["//a:image=null"])
    assert settings.node("//a").image is None


def test_nodes_to_which_the_same_applies_share_one_model(machine: "Machine") -> None:
    settings = machine.resolve(Counting, assignments=["//train:seed=3", "//other:seed=4"])
    author = {"retries": 1}
    VALIDATED.clear()
    first = settings.node("//train/0", author)
    assert all(settings.node(f"//train/{index}", author) is first for index in range(100))
    assert settings.node("//train/x", {"retries": 1}) is first
    assert len(VALIDATED) == 1
    assert settings.node("//train/0", {"retries": 2}) is not first
    assert settings.node("//other/0", author) is not first


def test_models_of_nodes_are_not_kept_without_bound(machine: "Machine") -> None:
    settings = machine.resolve(Digits, assignments=["//a:seed=1"])
    for number in range(CACHED_NODES_MAX + 50):
        assert settings.node("//a", {"retries": number}).retries == number
    assert len(settings._nodes._kept) <= CACHED_NODES_MAX


def test_an_author_s_entry_of_the_wrong_type_names_node_and_setting(machine: "Machine") -> None:
    with pytest.raises(SettingsError, match=r"^//train: seed: Input should be a valid integer.*\(node default\)"):
        machine.resolve(Digits).node("//train", {"seed": "many"})


def test_an_author_s_misspelt_field_gets_the_nearest_name(machine: "Machine") -> None:
    author = PipelineNodeSettings(fields={"sede": 3}).entries()
    with pytest.raises(SettingsError, match=r'//train: No setting "sede" in Digits.*mean "seed"'):
        machine.resolve(Digits).node("//train", author)


def test_an_author_cannot_set_what_the_session_shares(machine: "Machine") -> None:
    with pytest.raises(SettingsError, match="workers: is shared by the whole session"):
        machine.resolve(Digits).node("//train", {"workers": 3})


def test_a_misspelt_entry_is_refused_before_any_node_is_asked_for(machine: "Machine") -> None:
    with pytest.raises(UnknownSettingError, match='mean "iterations"'):
        machine.resolve(Digits, session={"nodes": {"//train": {"train": {"itrations": 3}}}})


def test_an_entry_of_the_wrong_type_names_node_setting_and_source(machine: "Machine") -> None:
    settings = machine.resolve(Digits, assignments=["//train:retries=-1"])
    message = r"^//train/0: retries: Input should be greater.*\(--set //train:retries=-1\)"
    with pytest.raises(SettingsError, match=message):
        settings.node("//train/0")


def test_the_paths_and_entries_that_the_session_gives_can_be_asked_for(machine: "Machine") -> None:
    settings = machine.resolve(Digits, assignments=["//train:seed=1", "//train/0:train.c=[1]", "seed=3"])
    assert settings.node_paths() == {"//train", "//train/0"}
    entries = settings.node_entries("//train/0")
    assert {name: origin.source for name, origin in entries.items()} == {
        "seed": "--set //train:seed=1",
        "train.c": "--set //train/0:train.c=[1]",
    }
    assert settings.node_entries("//other") == {}
