"""The layers of a process: which wins, what each may set, and where a value is said to come from."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel
from pydantic_settings import SettingsConfigDict

from oneml.habitats.errors import SettingsError, UnknownSettingError
from oneml.habitats.settings.layers import Layer
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.sources import ProcessSources, configured_store

if TYPE_CHECKING:
    from conftest import Machine


class Train(BaseModel):
    c: tuple[float, ...] = (0.1, 1.0, 10.0)
    iterations: int = 200


class Digits(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="DIGITS_")
    seed: int = 7
    train: Train = Train(iterations=100)
    other: Train | None = None


def test_without_any_layer_settings_are_the_defaults(machine: "Machine") -> None:
    settings = machine.resolve(Digits)
    assert settings.process == Digits()
    assert settings.session is settings.process


def test_each_layer_of_the_process_wins_over_those_below(machine: "Machine") -> None:
    machine.user("[habitats.digits-training]\nseed = 1\n")
    assert machine.resolve(Digits).process.seed == 1
    machine.project("[habitats.digits-training]\nseed = 2\n")
    assert machine.resolve(Digits).process.seed == 2
    machine.dotenv("DIGITS_SEED=3\n")
    assert machine.resolve(Digits).process.seed == 3
    machine.environ["DIGITS_SEED"] = "4"
    assert machine.resolve(Digits).process.seed == 4


def test_models_merge_key_by_key_over_the_default_of_their_field(machine: "Machine") -> None:
    machine.project("[habitats.digits-training]\ntrain.c = [5]\n")
    assert machine.resolve(Digits).process.train == Train(c=(5.0,), iterations=100)
    machine.environ["DIGITS_TRAIN__ITERATIONS"] = "6"
    assert machine.resolve(Digits).process.train == Train(c=(5.0,), iterations=6)


def test_an_optional_model_is_made_of_what_is_set_in_it_and_unmade_by_null(machine: "Machine") -> None:
    machine.project("[habitats.digits-training.other]\niterations = 5\n")
    assert machine.resolve(Digits).process.other == Train(iterations=5)
    machine.environ["DIGITS_OTHER"] = "null"
    settings = machine.resolve(Digits)
    assert settings.process.other is None
    assert settings.origins()["other"].source == "DIGITS_OTHER"
    assert "other.iterations" not in settings.origins()


def test_lists_and_mappings_replace(machine: "Machine") -> None:
    machine.user('serializers = {model = "skops", report = "png"}\n[habitats.digits-training]\ntrain.c = [1, 2, 3]\n')
    machine.project('[habitats.digits-training]\ntrain.c = [4]\n[serializers]\nmodel = "json"\n')
    process = machine.resolve(Digits).process
    assert process.train.c == (4.0,)
    assert process.serializers == {"model": "json"}


def test_in_a_file_the_table_of_the_habitat_wins_over_what_stands_for_all(machine: "Machine") -> None:
    machine.project('engine = "process"\nretries = 1\n[habitats.digits-training]\nretries = 2\n')
    process = machine.resolve(Digits).process
    assert (process.engine, process.retries) == ("process", 2)


def test_a_table_of_another_habitat_is_not_looked_at(machine: "Machine") -> None:
    machine.project('[habitats.other]\nnonsense = {a = 1}\n[habitats."digits-training"]\nseed = 5\n')
    assert machine.resolve(Digits).process.seed == 5


def test_a_package_s_own_field_does_not_stand_for_all_habitats(machine: "Machine") -> None:
    path = machine.project("\nseed = 5\n")
    with pytest.raises(SettingsError, match=r'write it below \[habitats."digits-training"\]') as raised:
        machine.resolve(Digits)
    assert raised.value.problems[0].source == f"{path}:2"


def test_a_misspelt_key_of_a_file_gets_the_nearest_name_and_its_line(machine: "Machine") -> None:
    path = machine.project('engine = "process"\nretires = 5\n')
    with pytest.raises(
        UnknownSettingError, match=r'No setting "retires" in PipelineSettings.*mean "retries"'
    ) as raised:
        machine.resolve(Digits)
    assert raised.value.problems[0].source == f"{path}:2"


def test_a_misspelt_nested_key_gets_its_siblings(machine: "Machine") -> None:
    machine.project("[habitats.digits-training.train]\nitrations = 5\n")
    with pytest.raises(UnknownSettingError) as raised:
        machine.resolve(Digits)
    expected = 'No setting "train.itrations" in Digits. Known: c, iterations. Did you mean "iterations"?'
    assert raised.value.problems[0].message == expected
    assert raised.value.known == ("c", "iterations")


def test_everything_wrong_in_every_layer_is_in_one_report(machine: "Machine") -> None:
    machine.user("retires = 5\n")
    machine.project("[habitats.digits-training]\nsede = 5\n")
    machine.dotenv("ONEML_SETTINGS__ENGIN=x\n")
    machine.environ["DIGITS_TRAIN"] = "{"
    with pytest.raises(SettingsError) as raised:
        machine.resolve(Digits, assignments=["trian.c=[1]"], session={"sed": 1})
    names = [problem.setting for problem in raised.value.problems]
    assert sorted(names) == ["ONEML_SETTINGS__ENGIN", "retires", "sed", "sede", "train", "trian.c"]
    assert str(raised.value).startswith("6 settings are wrong:\n")


def test_a_value_of_the_wrong_type_names_setting_and_line(machine: "Machine") -> None:
    path = machine.project('[habitats.digits-training]\nseed = "many"\ntrain = {c = [1, "x"]}\n')
    with pytest.raises(SettingsError) as raised:
        machine.resolve(Digits)
    problems = {problem.setting: problem for problem in raised.value.problems}
    assert problems["seed"].message.startswith("seed: Input should be a valid integer")
    assert problems["seed"].source == f"{path}:2"
    assert problems["train.c.1"].source == f"{path}:3"


def test_constraints_of_reserved_fields_hold_in_files(machine: "Machine") -> None:
    machine.project("retries = -1\nworkers = 0\ntimeout_seconds = 0\n[resources]\ncpus = 0\ngpus = -1\n")
    with pytest.raises(SettingsError) as raised:
        machine.resolve(Digits)
    names = {problem.setting for problem in raised.value.problems}
    assert names == {"retries", "workers", "timeout_seconds", "resources.cpus", "resources.gpus"}


def test_the_user_s_file_may_choose_the_store(machine: "Machine") -> None:
    machine.user('store = "file:///mine"\n')
    assert machine.resolve(Digits).process.store == "file:///mine"
    assert configured_store(machine.sources) == "file:///mine"
    machine.environ["ONEML_STORE_URL"] = "file:///given"
    assert configured_store(machine.sources) == "file:///given"


def test_without_variable_and_file_no_store_is_configured(machine: "Machine") -> None:
    assert configured_store(machine.sources) is None
    assert configured_store(ProcessSources(environ={}, working_directory=machine.work)) is None
    machine.user("store = 3\n")
    with pytest.raises(SettingsError, match="store: must be a text"):
        configured_store(machine.sources)


@pytest.mark.parametrize("store", ["file:///theirs", "memory:"])
def test_the_working_directory_may_not_choose_the_store(machine: "Machine", store: str) -> None:
    machine.project(f'store = "{store}"\n')
    with pytest.raises(SettingsError, match="store: may not be set in the working directory"):
        machine.resolve(Digits)
    machine.project("")
    machine.dotenv(f"ONEML_SETTINGS__STORE={store}\n")
    with pytest.raises(SettingsError, match="store: may not be set in the working directory"):
        machine.resolve(Digits)


def test_a_variable_may_keep_outputs_in_memory_and_no_more(machine: "Machine") -> None:
    machine.environ["ONEML_SETTINGS__STORE"] = "memory:"
    assert machine.resolve(Digits).process.store == "memory:"
    machine.environ["ONEML_SETTINGS__STORE"] = "file:///x"
    with pytest.raises(SettingsError, match="ONEML_STORE_URL"):
        machine.resolve(Digits)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"a = ", "it is not TOML"), (b"\xff\xfe", "it is not UTF-8"), (b"a = " + b"[" * 5000, "it is not TOML")],
)
def test_a_broken_file_is_named(machine: "Machine", data: bytes, reason: str) -> None:
    path = machine.project("")
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=f"{path} cannot be read: {reason}"):
        machine.resolve(Digits)


@pytest.mark.parametrize("text", ["habitats = 3\n", "[habitats]\ndigits-training = 3\n"])
def test_settings_of_habitats_are_tables(machine: "Machine", text: str) -> None:
    machine.project(text)
    with pytest.raises(SettingsError, match="habitats: must be a table"):
        machine.resolve(Digits)


def test_a_broken_dotenv_is_named(machine: "Machine") -> None:
    path = machine.dotenv("")
    path.write_bytes(b"DIGITS_SEED=\xff\n")
    with pytest.raises(SettingsError, match=r"\.env cannot be read: it is not UTF-8"):
        machine.resolve(Digits)


def test_a_dotenv_is_read_as_dotenv_files_are(machine: "Machine") -> None:
    machine.dotenv('# x\nexport DIGITS_SEED="5"\nPATH=/bin\nDIGITS_OTHER\n')
    settings = machine.resolve(Digits)
    assert settings.process.seed == 5
    assert settings.origins()["seed"] == (Layer.DOTENV, f"{machine.work / '.env'}:2", None)


def test_the_sources_of_this_process_are_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGITS_SEED", "5")
    sources = ProcessSources.of_this_process()
    assert sources.working_directory == tmp_path
    assert sources.environ["DIGITS_SEED"] == "5"
    folder = sources.config_folder()
    assert folder is not None
    assert folder.name == "oneml"


def test_a_variable_names_the_folder_of_the_users_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("retries = 3\n")
    monkeypatch.setenv("ONEML_CONFIG_DIR", str(tmp_path))
    file = ProcessSources.of_this_process().user_file()
    assert file is not None
    assert file.tables == {"retries": 3}


def test_sources_do_not_show_variables() -> None:
    assert "canary" not in repr(ProcessSources(environ={"T": "canary"}, working_directory=Path("x")))
