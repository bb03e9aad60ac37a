"""Options of engines: tables by name that every layer may add to, each entry with an origin of its own."""

from typing import TYPE_CHECKING

import pytest
from pydantic import Field

from oneml.habitats.errors import SettingsError, UnknownSettingError
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.explanations import recorded_explanations, setting_explanations
from oneml.habitats.settings.field_text import field_text
from oneml.habitats.settings.models import PipelineSessionSettings, PipelineSettings
from oneml.habitats.settings.shapes import find_setting, leaves

if TYPE_CHECKING:
    from conftest import Machine

ADDRESS = "tcp://scheduler:8786"


class Plain(PipelineSettings):
    own: dict[str, dict[str, int]] = Field(default_factory=dict)
    loose: dict[str, object] = Field(default_factory=dict)


def test_an_assignment_reaches_an_option_and_takes_a_text_without_quotes(machine: "Machine") -> None:
    given = [f"engines.dask.address={ADDRESS}", "engines.dask.workers=4", "engines.slurm.partition=gpu"]
    assert machine.resolve(Plain, assignments=given).session.engines == {
        "dask": {"address": ADDRESS, "workers": 4},
        "slurm": {"partition": "gpu"},
    }


def test_every_place_of_settings_can_give_an_option_and_those_above_win(machine: "Machine") -> None:
    machine.user('[engines.dask]\naddress = "user"\nuser = 1\n')
    machine.project('[engines.dask]\naddress = "project"\nproject = 1\n')
    machine.environ["ONEML_SETTINGS__ENGINES__DASK__ADDRESS"] = "environment"
    machine.environ["ONEML_SETTINGS__ENGINES__DASK__ENVIRONMENT"] = "1"
    file = machine.file('[engines.dask]\naddress = "file"\nfile = 1\n[engines.ray]\naddress = "auto"\n')
    code = PipelineSessionSettings(engines={"dask": {"address": "code", "code": 1}})
    effective = machine.resolve(Plain, session=code, file=file, assignments=["engines.dask.address=set"])
    options = effective.session.engines
    assert options["ray"] == {"address": "auto"}
    assert options["dask"].pop("address") == "set"
    assert options["dask"].keys() == {"user", "project", "environment", "file", "code"}
    assert effective.process.engines["dask"]["address"] == "environment"


def test_each_option_is_said_to_come_from_where_it_was_given(machine: "Machine") -> None:
    project = machine.project('retries = 1\n[engines.dask]\naddress = "project"\nn = 1\n')
    effective = machine.resolve(Plain, assignments=[f"engines.dask.address={ADDRESS}"])
    origins = {name: str(origin) for name, origin in effective.origins().items() if name.startswith("engines")}
    assert origins == {
        "engines.dask.address": f"--set engines.dask.address={ADDRESS}",
        "engines.dask.n": f"{project}:4",
    }
    (told,) = setting_explanations(effective, names=["engines.dask.address"])
    assert (told.value, told.hidden[0].value, str(told.hidden[0].origin)) == (ADDRESS, "project", f"{project}:3")
    assert field_text(Plain, ("engines", "dask", "address")).description.startswith("Options of engines")


def test_options_come_back_from_a_recipe_with_their_origins(machine: "Machine") -> None:
    effective = machine.resolve(Plain, assignments=["engines.dask.workers=4", "engines.ray.images.a.pip=x"])
    again = EffectiveSettings.from_snapshot(Plain, effective.snapshot(), {})
    assert again.session.engines == {"dask": {"workers": 4}, "ray": {"images": {"a": {"pip": "x"}}}}
    told = recorded_explanations(Plain, effective.snapshot(), effective.snapshot_sources(), names=["engines"])
    assert [(one.name, str(one.origin)) for one in told] == [
        ("engines.dask.workers", "--set engines.dask.workers=4"),
        ("engines.ray.images", "--set engines.ray.images.a.pip=x"),
    ]


def test_a_revision_changes_one_option_and_leaves_the_others(machine: "Machine") -> None:
    machine.project('[engines.dask]\naddress = "old"\nn = 1\n')
    before = machine.resolve(Plain)
    after = before.revised({"engines": {"dask": {"address": "new"}}}, source="here")
    assert after.session.engines == {"dask": {"address": "new", "n": 1}}
    assert after.changed_fields(before) == {"engines.dask.address"}


def test_options_are_no_part_of_results_and_no_node_has_its_own(machine: "Machine") -> None:
    effective = machine.resolve(Plain, assignments=["engines.dask.n=1"])
    assert not any(name.startswith("engines") for name in effective.reuse_values([""]).values)
    with pytest.raises(SettingsError, match="engines: is shared by the whole session; a node cannot set it"):
        machine.resolve(Plain, assignments=["//a:engines.dask.n=1"])


def test_what_is_no_table_of_an_engine_is_refused_with_its_place(machine: "Machine") -> None:
    with pytest.raises(SettingsError, match=r"engines\.dask: .*object \(--set engines\.dask=4\)"):
        machine.resolve(Plain, assignments=["engines.dask=4"])
    project = machine.project('[engines]\ndask = "tcp://here"\n')
    with pytest.raises(SettingsError, match=rf"engines\.dask: .*object \({project}:2\)"):
        machine.resolve(Plain)


def test_keys_inside_mappings_of_a_package_can_be_assigned_as_deep_as_their_type_goes(machine: "Machine") -> None:
    given = ["own.a.b=1", "own.a.c=2", "own.d={}", "loose.x.y=[1]", "loose.x.z=text"]
    session = machine.resolve(Plain, assignments=given).session
    assert session.own == {"a": {"b": 1, "c": 2}, "d": {}}
    assert session.loose == {"x": {"y": [1], "z": "text"}}
    with pytest.raises(UnknownSettingError, match=r'No setting "own\.a\.b\.c"'):
        machine.resolve(Plain, assignments=["own.a.b.c=1"])


def test_tables_of_a_package_replace_each_other_as_a_whole(machine: "Machine") -> None:
    machine.project("[habitats.digits-training.own.a]\nb = 1\n")
    assert machine.resolve(Plain, assignments=["own.d.e=2"]).session.own == {"d": {"e": 2}}


def test_leaves_of_empty_tables_are_the_tables() -> None:
    names = [leaf.name for leaf in leaves(Plain, {"engines": {"dask": {}, "ray": {"a": {}}}, "own": {"a": {}}})]
    assert names == [("engines", "dask"), ("engines", "ray", "a"), ("own",)]
    assert [leaf.name for leaf in leaves(Plain, {"engines": {}})] == [("engines",)]


def test_nothing_is_found_below_an_option() -> None:
    assert find_setting(Plain, ("engines", "dask", "address")).execution
    with pytest.raises(UnknownSettingError):
        find_setting(Plain, ("engines", "dask", "address", "more"))
