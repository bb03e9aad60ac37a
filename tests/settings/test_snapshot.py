"""The snapshot: complete, readable by a worker whatever its environment, refused where it does not fit."""

import copy
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, computed_field, field_serializer, field_validator
from pydantic_settings import SettingsConfigDict

from oneml.habitats.errors import InvalidDocumentError, SettingsError, SettingsModelChangedError
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.shapes import settings_of
from oneml.habitats.values.json_value import canonical_json, json_object

if TYPE_CHECKING:
    from conftest import Machine


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)
    at: tuple[int, int] = (1, 2)
    when: datetime | None = None


class Rich(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="RICH_")
    count: int = 7
    color: Color = Color.RED
    colors: frozenset[Color] = frozenset({Color.RED})
    root: Path = Path("data")
    wait: timedelta = timedelta(seconds=1.5)
    price: Decimal = Decimal("0.10")
    top: float = float("inf")
    point: Point = Point()
    points: dict[int, Point] = Field(default_factory=dict[int, Point])
    stamp: str = Field(default_factory=lambda: str(id(object())))

    @computed_field
    @property
    def twice(self) -> int:
        return 2 * self.count


def _worker(settings: EffectiveSettings[Any], environ: Mapping[str, str] | None = None) -> EffectiveSettings[Any]:
    document = json_object(canonical_json(settings.snapshot()), what="recipe", limit_bytes=65_536)
    entries = json_object(canonical_json(settings.node_entry_documents()), what="entries", limit_bytes=65_536)
    return EffectiveSettings.from_snapshot(settings.model, document, environ or {}, entries)


def test_a_worker_has_the_settings_of_the_driver_at_every_level(machine: "Machine") -> None:
    machine.environ |= {"RICH_COUNT": "9", "RICH_COLORS": '["blue", "red"]', "RICH_POINT__AT": "[3, 4]"}
    given = ["wait=PT5S", "point.when=2024-05-01T00:00:00Z", "//a:price=1.25", '//a/b:points={"3": {"at": [5, 6]}}']
    driver = machine.resolve(Rich, assignments=given)
    worker = _worker(driver)
    author = {"color": "blue"}
    assert worker.process == driver.process
    assert worker.session == driver.session
    assert worker.node("//a/b", author) == driver.node("//a/b", author)
    assert worker.node("//a/b", author).points == {3: Point(at=(5, 6))}
    assert worker.session.stamp == driver.process.stamp


def test_a_worker_s_environment_and_files_are_without_effect(
    machine: "Machine", monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = machine.resolve(Rich)
    machine.project("[habitats.digits-training]\ncount = 1\n")
    machine.dotenv("RICH_COUNT=2\n")
    monkeypatch.chdir(machine.work)
    for name, text in {"RICH_COUNT": "3", "RICH_POINT__AT": "[9, 9]", "ONEML_SETTINGS__RETRIES": "4"}.items():
        monkeypatch.setenv(name, text)
        machine.environ[name] = text
    worker = _worker(driver, machine.environ)
    assert worker.process == driver.process
    assert worker.node("//a", {"retries": 1}) == driver.node("//a", {"retries": 1})


def test_a_worker_knows_the_layer_of_each_value_and_the_variables_but_no_file(machine: "Machine") -> None:
    machine.environ["RICH_COUNT"] = "9"
    path = machine.file('price = 2\n[nodes."//a"]\ncolor = "blue"\n')
    driver = machine.resolve(Rich, file=path, assignments=["//a/b:count=3"])
    worker = _worker(driver)
    there, here = driver.origins("//a/b", {"wait": "PT1S"}), worker.origins("//a/b", {"wait": "PT1S"})
    assert {name: origin.layer for name, origin in here.items()} == {name: o.layer for name, o in there.items()}
    assert worker.node_entries("//a/b").keys() == driver.node_entries("//a/b").keys()
    assert worker.node_paths() == driver.node_paths()
    assert worker.origins()["count"] == driver.origins()["count"]
    assert str(path) not in json.dumps([driver.snapshot(), driver.node_entry_documents()])


def test_entries_for_nodes_stand_apart_and_a_worker_takes_those_that_apply(machine: "Machine") -> None:
    given = [f"//train/{number}:count={number}" for number in range(300)]
    driver = machine.resolve(Rich, assignments=["//train:retries=1", *given])
    assert "//train" not in json.dumps(driver.snapshot())
    documents = driver.node_entry_documents()
    assert len(documents) == 301
    applying = {path: documents[path] for path in ("//train", "//train/7")}
    worker = EffectiveSettings.from_snapshot(Rich, driver.snapshot(), {}, applying)
    assert worker.node("//train/7") == driver.node("//train/7")
    assert (worker.node("//train/7").count, worker.node("//train/7").retries) == (7, 1)


def test_a_worker_s_snapshot_is_the_driver_s(machine: "Machine") -> None:
    machine.environ["RICH_COUNT"] = "9"
    driver = machine.resolve(Rich, assignments=["price=2", "//a:count=3"])
    assert canonical_json(_worker(driver).snapshot()) == canonical_json(driver.snapshot())
    assert canonical_json(_worker(driver).node_entry_documents()) == canonical_json(driver.node_entry_documents())


def test_what_a_session_does_not_change_is_written_once(machine: "Machine") -> None:
    snapshot = machine.resolve(Rich, assignments=["count=3"]).snapshot()
    assert snapshot["session"] == {"count": 3}
    assert machine.resolve(Rich).snapshot()["session"] == {}


def test_the_key_of_a_process_follows_its_values_alone(machine: "Machine") -> None:
    class Steady(PipelineSettings):
        model_config = SettingsConfigDict(env_prefix="STEADY_")
        count: int = 7

    plain = machine.resolve(Steady)
    changed = machine.resolve(Steady, assignments=["count=8"])
    assert plain.process_key == changed.process_key == _worker(changed).process_key
    machine.environ["STEADY_COUNT"] = "8"
    assert machine.resolve(Steady).process_key != plain.process_key


def _without(*keys: str) -> Callable[[dict[str, Any]], None]:
    def remove(document: dict[str, Any]) -> None:
        for key in keys[:-1]:
            document = document[key]
        del document[keys[-1]]

    return remove


def _with(value: object, *keys: str | int) -> Callable[[Any], None]:
    def put(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return put


@pytest.mark.parametrize(
    "damage",
    [
        _without("process"),
        _without("session"),
        _without("layers"),
        _without("layers", "session"),
        _with([], "process"),
        _with(3, "layers", "process"),
        _with("x", "layers", "session"),
        _with([3], "layers", "session"),
        _with("nonsense", "layers", "process", 0, "layer"),
        _with(3, "layers", "process", 0, "sources", "count"),
        _with(3, "layers", "process", 0, "values"),
        _with([], "layers", "process", 0, "sources"),
    ],
)
def test_a_snapshot_of_another_form_is_refused(machine: "Machine", damage: Callable[[Any], None]) -> None:
    machine.environ["RICH_COUNT"] = "9"
    document = copy.deepcopy(json.loads(canonical_json(machine.resolve(Rich, assignments=["//a:count=3"]).snapshot())))
    damage(document)
    with pytest.raises(InvalidDocumentError, match="The settings of the recipe cannot be read"):
        EffectiveSettings.from_snapshot(Rich, document, {})


@pytest.mark.parametrize("entries", [{"train": []}, {"//a": {}}, {"//a": [3]}, {"//a": [{"layer": "x", "values": {}}]}])
def test_entries_of_another_form_are_refused(machine: "Machine", entries: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocumentError, match="The settings of the recipe cannot be read"):
        EffectiveSettings.from_snapshot(Rich, machine.resolve(Rich).snapshot(), {}, entries)


@pytest.mark.parametrize("document", [None, 3, "x", [], True])
def test_a_snapshot_that_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(InvalidDocumentError):
        EffectiveSettings.from_snapshot(Rich, document, {})


class Before(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="CHANGED_")
    count: int = 7
    point: Point = Point()


class Narrow(BaseModel):
    at: tuple[int, int] = (1, 2)


class Gained(Before):
    more: int = 1


class Lost(PipelineSettings):
    point: Point = Point()


class Retyped(PipelineSettings):
    count: bool = False
    point: Point = Point()


class Inside(PipelineSettings):
    count: int = 7
    point: Narrow = Narrow()


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Gained, '"more" is new here'),
        (Lost, 'the recipe has "count", which the model does not have'),
        (Retyped, "count: Input should be a valid boolean"),
        (Inside, 'the recipe has "point.when"'),
    ],
)
def test_a_model_that_changed_is_refused(machine: "Machine", model: type[PipelineSettings], reason: str) -> None:
    snapshot = machine.resolve(Before).snapshot()
    with pytest.raises(SettingsModelChangedError) as raised:
        EffectiveSettings.from_snapshot(model, snapshot, {})
    assert raised.value.exit_code == 3
    assert reason in str(raised.value)


def test_entries_that_no_longer_fit_are_refused_on_a_worker(machine: "Machine") -> None:
    driver = machine.resolve(Before, assignments=["//a:count=3"])
    snapshot = driver.snapshot()
    worker = EffectiveSettings.from_snapshot(Before, snapshot, {})
    with pytest.raises(SettingsModelChangedError, match="//b: count: Input should be a valid integer"):
        worker.node("//b", {"count": "many"})
    entries = json.loads(canonical_json(driver.node_entry_documents()))
    entries["//a"][0]["values"] = {"cuont": 3}
    with pytest.raises(SettingsModelChangedError, match='"cuont"'):
        EffectiveSettings.from_snapshot(Before, snapshot, {}, entries)


def test_a_value_that_does_not_survive_json_is_refused_at_creation(machine: "Machine") -> None:
    class Lossy(PipelineSettings):
        anything: Any = (1, 2)
        fine: int = 1

    class Doubling(PipelineSettings):
        model_config = SettingsConfigDict(env_prefix="DOUBLING_")
        count: int = 1

        @field_validator("count")
        @classmethod
        def _double(cls, count: int) -> int:
            return 2 * count

    class Choosy(PipelineSettings):
        day: datetime = datetime(2024, 1, 1)  # noqa: DTZ001  # a naive time is the point

        @field_serializer("day")
        def _in_words(self, day: datetime) -> str:
            return f"{day:%d of %B}"

    with pytest.raises(SettingsError, match=r"^day: does not come back as it is.*\(day: Input should be a valid"):
        machine.resolve(Choosy)
    with pytest.raises(SettingsError, match=r"^anything: does not come back as it is"):
        machine.resolve(Lossy)
    machine.environ |= {"DOUBLING_COUNT": "3"}
    with pytest.raises(SettingsError, match=r"^count: does not come back as it is"):
        machine.resolve(Doubling)


def test_what_a_model_leaves_out_when_it_is_dumped_reaches_workers(machine: "Machine") -> None:
    class Inner(BaseModel):
        shy: int = Field(default=5, exclude=True)

    class Hidden(PipelineSettings):
        model_config = SettingsConfigDict(env_prefix="HIDDEN_")
        count: int = Field(default=1, exclude=True)
        inner: Inner = Inner()

    for expected in ((1, 5), (3, 7)):
        driver = machine.resolve(Hidden)
        worker = EffectiveSettings.from_snapshot(Hidden, json.loads(canonical_json(driver.snapshot())), {})
        for settings in (driver.session, worker.session):
            assert (settings.count, settings.inner.shy) == expected
        machine.environ |= {"HIDDEN_COUNT": "3", "HIDDEN_INNER__SHY": "7"}


def test_a_default_of_another_class_is_refused_at_creation(machine: "Machine") -> None:
    class Special(Point):
        more: int = 3

    class Holder(PipelineSettings):
        point: Point = Special()

    with pytest.raises(SettingsError, match=r"^point: does not come back as it is"):
        machine.resolve(Holder)


def test_a_value_that_has_no_form_in_json_is_refused_at_creation(machine: "Machine") -> None:
    class Live(PipelineSettings):
        lock: Any = object()

    with pytest.raises(SettingsError, match="Live cannot be written as JSON"):
        machine.resolve(Live)


def test_computed_fields_are_no_settings(machine: "Machine") -> None:
    settings = machine.resolve(Rich)
    assert "twice" not in settings.values()
    assert settings.values().keys() == settings_of(Rich).keys()
