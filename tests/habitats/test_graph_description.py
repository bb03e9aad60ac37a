import importlib
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from dependency_injector import providers

from oneml.habitats.errors import UnknownProviderError
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.graph_description import GraphDescription, describe_graph
from oneml.habitats.habitats.graph_difference import graph_drifts
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.habitats.overrides import Override, replace
from oneml.habitats.habitats.providers import NodeSingleton, Reference
from oneml.habitats.habitats.settings_views import Settings
from oneml.habitats.settings.models import PipelineSettings

Opener = Callable[..., Any]

_HEAD = """from dependency_injector import providers
from oneml.habitats import NodeSingleton, PipelineComponents, PipelineSettings, Settings


class Own(PipelineSettings):
    rate: float = 0.5


class Service:
    def __init__(self, *args, **kwargs): ...


class Other(Service): ...


class Big(PipelineComponents):
    settings = Settings(Own)
"""
COUNT = 50


def declaration(number: int, **changed: str) -> str:
    """Return the line of one of fifty providers, which takes those of half and a third of its number."""
    parts = {"kind": "providers.Factory", "form": "Service", "argument": str(number), "default": "0.5", "edge": ""}
    parts |= changed
    takes = "".join(f", a{other} = p{other}" for other in sorted({number // 2, number // 3}) if 0 < other < number)
    setting = ", rate=settings.session.rate" if number % 7 == 0 else ""
    options = f"options={{'default': {parts['default']}}}"
    arguments = f"{parts['form']}, {parts['argument']}, {options}{takes}{setting}{parts['edge']}"
    return f"    p{number} = {parts['kind']}({arguments})"


def reaching(number: int) -> set[str]:
    """Return the providers that reach one of them, itself among them."""
    found = {number}
    for other in range(number + 1, COUNT):
        if {other // 2, other // 3} & found:
            found.add(other)
    return {f"p{other}" for other in found}


class Modules:
    """Writes a module of a container, imports it under a name of its own, and describes it as the same one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def description(self, lines: list[str]) -> GraphDescription:
        module = ModuleType("big_container")
        sys.modules["big_container"] = module
        exec(compile("\n".join([_HEAD, *lines]), "big_container.py", "exec"), vars(module))  # noqa: S102
        return describe_graph(module.Big.blueprint())


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Modules:
    monkeypatch.setitem(sys.modules, "big_container", ModuleType("big_container"))
    return Modules(tmp_path)


MUTATIONS: list[dict[str, str]] = [
    {"argument": "1000"},
    {"kind": "providers.Singleton"},
    {"form": "Other"},
    {"default": "0.25"},
    {"edge": ", more=settings.session.retries"},
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[next(iter(mutation)) for mutation in MUTATIONS])
def test_a_mutation_of_any_provider_changes_the_digests_of_what_reaches_it_and_no_others(
    modules: Modules, mutation: dict[str, str]
) -> None:
    lines = [declaration(number) for number in range(1, COUNT)]
    before = modules.description(lines)
    names = {f"p{number}" for number in range(1, COUNT)}
    for number in range(1, COUNT):
        mutant = list(lines)
        mutant[number - 1] = declaration(number, **mutation)
        after = modules.description(mutant)
        changed = {name for name in names if after.digest_of(name) != before.digest_of(name)}
        assert changed == reaching(number)
        assert after.digest != before.digest


def test_a_provider_that_is_added_leaves_the_digests_of_the_others(modules: Modules) -> None:
    lines = [declaration(number) for number in range(1, COUNT)]
    before = modules.description(lines)
    after = modules.description(["    a_first = providers.Factory(Service)", *reversed(lines[:1]), *lines[1:]])
    assert all(after.digest_of(f"p{number}") == before.digest_of(f"p{number}") for number in range(1, COUNT))
    assert after.digest != before.digest


def test_the_same_module_gives_the_same_digests_twice(modules: Modules) -> None:
    lines = [declaration(number) for number in range(1, COUNT)]
    assert modules.description(lines).digest == modules.description(lines).digest


def test_drifts_name_the_nearest_provider_first_with_both_values(modules: Modules) -> None:
    lines = [declaration(number) for number in range(1, COUNT)]
    before = modules.description(lines)
    lines[11] = declaration(12, kind="NodeSingleton")
    lines[5] = declaration(6, argument="7", form="Other")
    after = modules.description(lines)
    drifts = graph_drifts(before.providers, after, "p24", recorded_places={"p12": "big.py:3"})
    found = [(drift.subject, drift.field, drift.expected, drift.found) for drift in drifts]
    assert found == [
        ("p12", "provider class", "dependency_injector.providers:Factory", _NODE_SINGLETON),
        ("p12", "lifetime", None, "node"),
        ("p6", "class", "big_container:Service", "big_container:Other"),
        ("p6", "argument 0", "6", "7"),
    ]
    assert [drift.expected_source for drift in drifts[:3]] == ["big.py:3", "big.py:3", ""]


_NODE_SINGLETON = "oneml.habitats.habitats.providers:NodeSingleton"


def test_equal_graphs_have_no_drifts_also_after_json(modules: Modules) -> None:
    description = modules.description([declaration(number) for number in range(1, COUNT)])
    recorded = json.loads(json.dumps(dict(description.providers)))
    assert graph_drifts(recorded, description, "p49", recorded_places={}) == []


def test_a_new_edge_and_a_missing_provider_are_drifts(modules: Modules) -> None:
    before = modules.description(["    a = providers.Factory(Service)", "    b = providers.Factory(Service)"])
    after = modules.description(["    b = providers.Factory(Service)", "    a = providers.Factory(Service, b=b)"])
    [edge] = graph_drifts(before.providers, after, "a", recorded_places={})
    assert (edge.field, edge.expected, edge.found) == ("argument b", None, 'provider "b"')
    [gone] = graph_drifts(before.providers, modules.description(["    pass"]), "a", recorded_places={})
    assert (gone.subject, gone.field, gone.found) == ("a", "", None)


def test_each_value_of_a_configuration_is_a_drift_of_its_own(modules: Modules) -> None:
    line = "    config = providers.Configuration(default={{'learning': {{'rate': {}}}, 'same': 1}})"
    before, after = (modules.description([line.format(rate)]) for rate in ("0.1", "0.2"))
    [drift] = graph_drifts(before.providers, after, "config", recorded_places={})
    assert (drift.field, drift.expected, drift.found) == ("configuration learning.rate", "0.1", "0.2")


class Client:
    def __init__(self, *args: object, **kwargs: object) -> None:
        self.args, self.kwargs = args, kwargs


class Fake(Client):
    pass


class Own(PipelineSettings):
    rate: float = 0.5


class Container(PipelineComponents):
    settings = Settings(Own)
    config = providers.Configuration()
    client = providers.Factory(Client, 1)
    options = providers.Dict(a=1)
    user = providers.Factory(Client, client, options, rate=settings.session.rate, url=config.url)
    alone = providers.Factory(Client, providers.Factory(Fake))
    lazily = providers.Factory(Client, client.provider)
    itself = providers.Self()
    everything = providers.Factory(Client, itself)
    ring = providers.Factory(Client)
    other_ring = providers.Factory(Client, ring.provider)
    ring.add_args(other_ring.provider)


def described(opened: Opener, *overrides: Override) -> GraphDescription:
    components = opened(Container, *overrides)
    return describe_graph(components.opened_blueprint, components.overrides)


def test_a_description_is_worked_out_once(opened: Opener) -> None:
    assert described(opened) is described(opened)
    first = described(opened, replace(Container.options, {"a": 2}))
    assert first is described(opened, replace(Container.options, {"a": 2}))


def test_values_that_stand_for_a_provider_stand_in_its_description(opened: Opener) -> None:
    plain = described(opened)
    one, two = (described(opened, replace(Container.options, {"a": value})) for value in ("one", "two"))
    assert one.providers["options"]["override"] == {"value": {"a": "one"}}
    assert len({plain.digest_of("user"), one.digest_of("user"), two.digest_of("user")}) == 3
    assert plain.digest_of("alone") == one.digest_of("alone")
    assert one.unproven == {}
    [drift] = graph_drifts(one.providers, two, "user", recorded_places={})
    assert (drift.subject, drift.field) == ("options", "override")


def test_a_reference_that_stands_for_a_provider_is_proven(opened: Opener) -> None:
    reference = Reference(Client, f"{__name__}:Fake", a=1)
    found = described(opened, replace(Container.client, provider=reference))
    assert "client[replacement]" in found.reached("user")
    assert __name__ in found.modules("user")


def test_live_objects_and_providers_are_unproven_with_the_way_out(opened: Opener) -> None:
    for override in (
        replace(Container.client, Fake()),
        replace(Container.client, provider=providers.Factory(Fake)),
    ):
        found = described(opened, override)
        [reason] = found.unproven_of("user")
        assert reason.startswith('"client" is replaced by a live Fa')
        assert "which a worker cannot rebuild. Use replace(..., factory=Class) with one that it can imp" in reason
        assert found.unproven_of("alone") == ()


def test_a_live_argument_is_unproven_for_what_reaches_it() -> None:
    class Live(PipelineComponents):
        client = providers.Factory(Client, lock=threading.Lock())
        user = providers.Factory(Client, client)

    found = describe_graph(Live.blueprint())
    assert found.unproven_of("user") == (
        '"client" is given a live lock (argument lock), which another process cannot rebuild. '
        "Give it as a provider: providers.Singleton(lock, ...), or make it a frozen dataclass.",
    )


def test_configuration_values_that_code_sets_later_count() -> None:
    class Configured(PipelineComponents):
        config = providers.Configuration()
        user = providers.Factory(Client, config.url)
        alone = providers.Factory(Client)

    before = describe_graph(Configured.blueprint())
    Configured.config.from_dict({"url": "there"})
    after = describe_graph(Configured.blueprint())
    assert after.providers["config"]["configuration"] == {"dict": [["url", "there"]]}
    assert after.digest_of("user") != before.digest_of("user")
    assert after.digest_of("alone") == before.digest_of("alone")


def test_values_that_were_changed_in_place_count() -> None:
    options, weights = {"rate": 1}, [1, 2]

    class Changing(PipelineComponents):
        given = providers.Factory(Client, options)
        held = providers.Object(weights)
        alone = providers.Factory(Client)

    before = describe_graph(Changing.blueprint())
    assert describe_graph(Changing.blueprint()) is before
    options["rate"] = 2
    after = describe_graph(Changing.blueprint())
    weights.append(3)
    last = describe_graph(Changing.blueprint())
    assert before.digest_of("given") != after.digest_of("given") == last.digest_of("given")
    assert before.digest_of("held") == after.digest_of("held") != last.digest_of("held")
    assert before.digest_of("alone") == last.digest_of("alone")


def test_what_a_provider_reaches_is_known_by_name(opened: Opener) -> None:
    found = described(opened)
    assert found.reached("alone") == {"alone", "alone[0]"}
    assert found.reached("lazily") == {"lazily", "lazily[0]", "client"}
    assert found.reached("ring") == found.reached("other_ring") == {"ring", "ring[0]", "other_ring", "other_ring[0]"}
    assert found.digest_of("ring") != found.digest_of("other_ring")
    assert found.reads("user") == {SettingRead("session", "rate")}
    assert found.reached("everything") >= {"user", "alone", "ring"}
    assert found.modules("alone") == {__name__}


def test_an_unknown_provider_is_refused_by_name(opened: Opener) -> None:
    with pytest.raises(UnknownProviderError, match="clinet"):
        described(opened).digest_of("clinet")


def test_a_place_is_where_the_provider_is_assigned(opened: Opener) -> None:
    place = described(opened).place_of("client")
    assert place is not None
    assert "client = providers.Factory(Client, 1)" in Path(__file__).read_text().splitlines()[place.line - 1]


def test_two_arguments_of_one_name_are_told_apart() -> None:
    class Twice(PipelineComponents):
        both = providers.Factory(Client, providers.Factory(Client, 1), **{"0": providers.Factory(Client, 2)})

    found = describe_graph(Twice.blueprint())
    assert found.reached("both") == {"both", "both[0]", "both[0]#2"}


def test_descriptions_are_forgotten_beyond_a_bound(opened: Opener) -> None:
    for number in range(40):
        described(opened, replace(Container.options, {"a": number}))
    blueprint = opened(Container, replace(Container.options, {"a": 0})).opened_blueprint
    assert len(blueprint.descriptions) <= 16


def test_lifetimes_and_import_paths_are_described() -> None:
    class One(PipelineComponents):
        per_node = NodeSingleton(importlib.import_module)

    described_one = describe_graph(One.blueprint()).providers["per_node"]
    assert described_one["lifetime"] == "node"
    assert described_one["provides"] == {"import": "importlib:import_module"}
