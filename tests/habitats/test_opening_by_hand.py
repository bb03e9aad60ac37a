import copy
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import containers, providers
from pydantic_settings import SettingsConfigDict

from oneml.habitats.errors import ClosedScopeError, InvalidComponentsError, UnbuildableError
from oneml.habitats.habitats import settings_here as module
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.overrides import replace
from oneml.habitats.habitats.providers import ProcessSingleton
from oneml.habitats.habitats.settings_views import Settings
from oneml.habitats.settings.models import PipelineSettings


class Thing:
    """Something that is built."""

    def __init__(self, *parts: object) -> None:
        self.parts = parts


class Digits(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="DIGITS_")
    seed: int = 7


class Training(PipelineComponents):
    settings = Settings(Digits)
    client = ProcessSingleton(Thing)
    split = providers.Factory(Thing, settings.session.seed)
    unused = providers.DependenciesContainer()


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))


def test_settings_given_by_hand_stand_over_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_SEED", "11")
    with Training.open() as training, Training.open(settings={"seed": 3}) as other:
        assert training.split().parts == (11,)
        assert other.split().parts == (3,)
        assert other.settings.process.seed == 11


def test_files_give_settings_by_the_name_of_the_habitat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = f"{Training.__module__}:{Training.__qualname__}"
    monkeypatch.setattr(module, "_habitat_names", lambda: {target: "digits-training"})
    (tmp_path / "oneml.toml").write_text('[habitats."digits-training"]\nseed = 5\n')
    with Training.open() as training:
        assert training.split().parts == (5,)


def test_names_of_habitats_are_those_that_are_installed() -> None:
    module._habitat_names.cache_clear()
    assert all(":" in target for target in module._habitat_names())


def test_what_stands_for_a_provider_is_gone_with_its_session() -> None:
    training = Training.open(overrides=[replace(Training.client, Thing())])
    scope = training.open_node("//a", training.settings.session)  # type: ignore[arg-type]
    training.close()
    with pytest.raises(ClosedScopeError):
        scope.build("client")
    with pytest.raises(ClosedScopeError), training.defining():
        pass


def test_a_session_may_be_closed_while_it_is_defined() -> None:
    training = Training.open()
    with training.defining():
        training.close()
    with pytest.raises(ClosedScopeError):
        training.client()


def test_what_only_collects_dependencies_builds_nothing() -> None:
    with Training.open() as training, pytest.raises(UnbuildableError, match="it only collects dependencies"):
        training.unused()


def test_what_is_opened_can_be_neither_copied_nor_pickled_and_tells_what_it_is() -> None:
    with Training.open(session_id="mine") as training:
        assert repr(training) == "<Training: Session mine>"
        assert repr(training.client) == "<provider client of Session mine>"
        for opened in (training, training.client):
            with pytest.raises(TypeError, match="stays in its process"):
                copy.copy(opened)
        with pytest.raises(AttributeError, match='"client" is a provider and has no "clietn"'):
            _ = training.client.clietn  # type: ignore[attr-defined]
        with training.node("//a") as node:
            assert repr(node) == "<Training: //a>"
            assert node.session_id == "mine"


def test_nested_containers_can_be_asked_for_what_is_inside_them() -> None:
    class Inner(containers.DeclarativeContainer):
        __self__ = providers.Self()
        thing = providers.Singleton(Thing)
        holder = providers.Factory(Thing, __self__)

    class Outer(PipelineComponents):
        inner = providers.Container(Inner)

    with Outer.open() as outer:
        assert outer.inner.holder().parts[0].thing() is outer.inner.thing()
        assert outer.inner["thing"]() is outer.inner().thing()
        assert sorted(outer.inner.providers) == ["holder", "thing"]


def test_an_initialiser_that_would_never_run_is_refused() -> None:
    def initialise(self: object) -> None: ...

    with pytest.raises(InvalidComponentsError, match=r"C\.__init__: instances are made by open\(\)"):
        type("C", (PipelineComponents,), {"__init__": initialise})


def test_a_container_that_is_nested_must_be_a_stock_one() -> None:
    message = r"Training\(\) builds in an opened container only: .*\. Other .* pipeline\.include\(\"name\", Training\)"
    with pytest.raises(Exception, match=message):
        providers.Container(Training)


def test_every_number_of_arguments_is_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    part = providers.Object(0)
    attributes: dict[str, Any] = {f"f{n}": providers.Factory(Thing, *range(n), *[part] * n) for n in range(5)}
    with type("C", (PipelineComponents,), attributes).open() as made:
        for number in range(5):
            assert getattr(made, f"f{number}")().parts == (*range(number), *[0] * number)
