import itertools
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from dependency_injector import containers, providers
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from oneml.habitats.errors import InvalidComponentsError, InvalidOverrideError, MisspeltSettingError, NotOpenedError
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.constructors import fit_of
from oneml.habitats.habitats.graph_order import components_of, loop_through
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.habitats.providers import NodeResource, NodeSingleton, ProcessResource, ProcessSingleton
from oneml.habitats.habitats.settings_views import Settings
from oneml.habitats.settings.models import PipelineSettings

Opener = Callable[..., Any]


class Train(BaseModel):
    """Settings inside settings."""

    iterations: int = 100
    c: float = 1.0


class Digits(PipelineSettings):
    seed: int = 7
    train: Train = Train()


class Thing:
    """Something that is built."""

    def __init__(self, *parts: object, **named: object) -> None:
        self.parts = parts


class Strict:
    """Takes exactly what it names."""

    def __init__(self, first: int, /, second: int, *, third: int = 3) -> None:
        self.all = (first, second, third)


def problems(container: type[PipelineComponents]) -> list[str]:
    return [problem.message for problem in container.blueprint().problems]


def test_a_captive_setting_is_found_through_factories_with_path_place_and_way_out() -> None:
    class Training(PipelineComponents):
        settings = Settings(Digits)
        optimiser = providers.Factory(Thing, iterations=settings.node.train.iterations)
        trainer = providers.Singleton(Thing, optimiser)  # this line

    (problem,) = Training.blueprint().problems
    assert problem.message == textwrap.dedent(
        """\
        Training.trainer (session) holds settings.node.train.iterations (node)
            trainer -> optimiser -> settings.node.train.iterations
            Make "trainer" a NodeSingleton, or read settings.session.train.iterations."""
    )
    assert problem.place is not None
    assert "this line" in Path(problem.place.file).read_text().splitlines()[problem.place.line - 1]
    with pytest.raises(
        InvalidComponentsError, match=r"Training has a problem:\s+.*test_container_checks\.py:\d+: Trai"
    ):
        Training.open()


def captives() -> dict[str, type[PipelineComponents]]:
    class ThroughList(PipelineComponents):
        inner = NodeSingleton(Thing)
        holder = providers.Singleton(Thing, providers.List(1, providers.Dict(a=inner)))

    class ThroughAttribute(PipelineComponents):
        inner = NodeResource(Thing)
        holder = providers.Resource(Thing, providers.Factory(Thing).add_attributes(x=inner))

    class ThroughProvided(PipelineComponents):
        inner = providers.Singleton(Thing)
        holder = ProcessSingleton(Thing, inner.provided.parts[0])

    class ThroughProvider(PipelineComponents):
        inner = NodeSingleton(Thing)
        holder = providers.Singleton(Thing, inner.provider)

    class ThroughSelector(PipelineComponents):
        settings = Settings(Digits)
        holder = ProcessResource(Thing, providers.Selector(lambda: "a", a=providers.Factory(Thing, settings.session)))

    class ThroughItself(PipelineComponents):
        me = providers.Self()
        holder = ProcessSingleton(Thing, me)

    return {
        "holder (session) holds inner (node)": ThroughList,
        "holder (session) holds inner (node) ": ThroughAttribute,
        "holder (process) holds inner (session)": ThroughProvided,
        "holder (session) holds inner (node)  ": ThroughProvider,
        "holder (process) holds settings.session (session)": ThroughSelector,
        "holder (process) holds me (session)": ThroughItself,
    }


@pytest.mark.parametrize(("text", "container"), captives().items())
def test_every_way_of_holding_something_narrower_is_found(text: str, container: type[PipelineComponents]) -> None:
    (message,) = problems(container)
    assert message.startswith(f"{container.__name__}.{text.strip()}\n")


def test_what_reaches_wider_scopes_is_fine() -> None:
    class Fine(PipelineComponents):
        settings = Settings(Digits)
        process = ProcessSingleton(Thing, settings.process.seed)
        session = providers.Singleton(Thing, process, settings.session.seed, settings.process)
        per_node = NodeSingleton(Thing, session, process, settings.node.train, settings.session.train.c)
        resource = NodeResource(Thing, per_node)

    assert problems(Fine) == []


def test_a_cycle_names_every_member_in_the_order_of_the_loop() -> None:
    class Ring(PipelineComponents):
        a = providers.Factory(Thing)
        b = providers.Factory(Thing, a)
        c = providers.Singleton(Thing, b)
        outside = providers.Factory(Thing, a)

    Ring.a.add_args(Ring.c)
    (message,) = problems(Ring)
    assert message.startswith("Providers of Ring need each other: a -> c -> b -> a. Pass one of them as a provider")


def test_entangled_cycles_name_those_that_no_single_loop_passes() -> None:
    class Rings(PipelineComponents):
        a = providers.Factory(Thing)
        b = providers.Factory(Thing, a)
        c = providers.Factory(Thing, a)

    Rings.a.add_args(Rings.b, Rings.c)
    (message,) = problems(Rings)
    assert "a -> b -> a. Cycles with these go through c too." in message


def test_a_provider_that_needs_itself_is_a_cycle() -> None:
    class Itself(PipelineComponents):
        a = providers.Singleton(Thing)

    Itself.a.add_kwargs(again=Itself.a)
    assert "need each other: a -> a." in problems(Itself)[0]


def test_a_loop_through_a_passed_provider_is_none(opened: Opener) -> None:
    class Loop(PipelineComponents):
        a = providers.Singleton(Thing)
        b = providers.Singleton(Thing, a)

    Loop.a.add_args(Loop.b.provider)
    loop = opened(Loop)
    assert loop.a().parts[0]() is loop.b()


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=40))
def test_components_are_those_of_networkx_and_ordered(edges: list[tuple[int, int]]) -> None:
    needs = [sorted({target for source, target in edges if source == node}) for node in range(12)]
    graph = nx.DiGraph(edges)
    graph.add_nodes_from(range(12))
    found = components_of(needs)
    assert {frozenset(group) for group in found} == {
        frozenset(group) for group in nx.strongly_connected_components(graph)
    }
    place = {node: position for position, group in enumerate(found) for node in group}
    assert all(place[target] <= place[source] for source, target in edges)
    for group in found:
        if len(group) > 1 or group[0] in needs[group[0]]:
            loop = loop_through(group, needs)
            assert loop[0] == loop[-1] == group[0]
            assert all(after in needs[before] for before, after in itertools.pairwise(loop))


def test_a_component_without_a_loop_is_none() -> None:
    with pytest.raises(ValueError, match="no loop"):
        loop_through([0], [[1], []])


@pytest.mark.parametrize(
    ("provider", "reason"),
    [
        (providers.Factory(Strict, 1, secnd=2), r'Strict takes no "secnd"\. Known: .* Did you mean "second"\?'),
        (providers.Factory(Strict, 1, 2, 3), "Strict takes 2 arguments by position, and is given 3"),
        (providers.Factory(Strict, 1, 2, second=2), 'Strict is given "second" twice'),
        (providers.Factory(Strict, first=1), 'Strict takes no "first"'),
        (providers.Singleton(Digits.model_copy, deep=True, deap=True), 'model_copy takes no "deap"'),
        (providers.Resource(problems, containers=1), 'problems takes no "containers"'),
    ],
)
def test_arguments_that_are_not_taken_are_found(provider: Any, reason: str) -> None:
    (message,) = problems(type("C", (PipelineComponents,), {"thing": provider}))
    assert re.search(rf"C\.thing cannot be built: .*{reason}", message)


@pytest.mark.parametrize(
    "provider",
    [
        providers.Factory(Strict),
        providers.Factory(Strict, 1, third=1, second=2),
        providers.Factory(Thing, 1, 2, anything=3),
        providers.Factory(Digits, seed=3),
        providers.Factory(dict, a=1),
        providers.Factory(type("Made", (), {"__new__": lambda cls, *args: object()}), 1, 2),
    ],
)
def test_arguments_that_are_taken_or_cannot_be_judged_pass(provider: Any) -> None:
    assert problems(type("C", (PipelineComponents,), {"thing": provider})) == []


def keyword_only(a: int, /, b: int, c: int = 3, *, d: int = 4) -> tuple[int, int, int, int]:
    return (a, b, c, d)


@given(st.integers(0, 3), st.sets(st.sampled_from("bcd")))
def test_calling_by_position_changes_nothing(count: int, names: set[str]) -> None:
    named = {name: 10 + position for position, name in enumerate(sorted(names, reverse=True))}
    fit = fit_of(keyword_only, count, named)
    if fit.ordered is None:
        return
    given_ = (*range(count), *(named[name] for name in fit.ordered))
    try:
        expected = keyword_only(*range(count), **named)
    except TypeError:
        with pytest.raises(TypeError):
            keyword_only(*given_)
    else:
        assert keyword_only(*given_) == expected


@pytest.mark.parametrize(
    "name", ["open", "close", "node", "session_id", "override", "providers", "traverse", "settings"]
)
def test_names_that_every_container_has_are_refused_in_the_body(name: str) -> None:
    with pytest.raises(InvalidComponentsError, match=rf"Taken\.{name}: .*another name"):
        type("Taken", (PipelineComponents,), {name: providers.Factory(Thing)})


def test_names_with_a_meaning_must_have_it() -> None:
    for attributes, reason in (
        ({"define": providers.Factory(Thing)}, "the method that defines the DAG"),
        ({"define": 3}, "the method that defines the DAG"),
        ({"options": Settings(Digits)}, 'settings are found by the name "settings"'),
        ({"close": lambda self: None}, "every container has something of that name"),
        ({"wiring_config": containers.WiringConfiguration(modules=["x"])}, "functions are not wired"),
    ):
        with pytest.raises(InvalidComponentsError, match=reason):
            type("Taken", (PipelineComponents,), attributes)


def test_the_place_of_a_problem_is_found_in_conditions_tuples_and_base_classes() -> None:
    class Base(PipelineComponents):
        if Thing is not None:
            first, second = providers.Factory(Strict, x=1), providers.Factory(Strict, y=1)  # here

    class Derived(Base):
        third: "providers.Factory[Strict]" = providers.Factory(Strict, z=1)  # and here

    lines = Path(__file__).read_text().splitlines()
    found = {p.message[:13]: lines[p.place.line - 1] for p in Derived.blueprint().problems if p.place is not None}
    assert {name: "# here" in line for name, line in found.items()} == {
        "Derived.first": True,
        "Derived.secon": True,
        "Derived.third": False,
    }
    assert "# and here" in found["Derived.third"]


def test_a_class_without_source_has_problems_without_places() -> None:
    made = type("Made", (PipelineComponents,), {"thing": providers.Factory(Strict, x=1)})
    assert [problem.place for problem in made.blueprint().problems] == [None]


def test_a_misspelt_setting_is_refused_at_import_with_the_nearest() -> None:
    settings = Settings(Digits)
    message = r'No setting "train\.itrations" in Digits\. Known: c, iterations\. Did you mean "iterations"\?'
    with pytest.raises(MisspeltSettingError, match=message):
        _ = settings.session.train.itrations  # type: ignore[attr-defined]
    with pytest.raises(MisspeltSettingError, match=r'No setting "seed\.x" in Digits'):
        _ = settings.node.seed.x  # type: ignore[attr-defined]
    assert not hasattr(settings.node, "nothing")


def test_a_setting_is_a_provider_in_the_class_body_and_says_so() -> None:
    view: Any = Settings(Digits).session
    assert view.train.c is view.train.c
    assert repr(view.train.c) == "<settings.session.train.c of Digits>"
    for misuse in (lambda: f"{view.seed}", view.seed):
        with pytest.raises(NotOpenedError, match=r"settings\.session\.seed"):
            misuse()
    with pytest.raises(InvalidOverrideError, match="is a setting: give settings="):
        view.seed.override(3)


def test_settings_of_another_model_are_refused_and_those_of_a_base_are_not(opened: Opener) -> None:
    class More(Digits):
        more: int = 1

    class Base(PipelineComponents):
        settings = Settings(Digits)
        seed = providers.Factory(Thing, settings.session.seed)

    class Wider(Base):
        settings = Settings(More)
        more = providers.Factory(Thing, settings.session.more)

    class Other(Base):
        settings = Settings(PipelineSettings)

    assert opened(Wider).seed().parts == (7,)
    assert (
        "settings.session.seed is a setting of Digits, but the settings of the container are Pipeline"
        in (problems(Other)[0])
    )


def test_a_container_without_settings_has_the_plain_ones(opened: Opener) -> None:
    class Plain(PipelineComponents):
        thing = providers.Factory(Thing)

    assert Plain.settings_model() is PipelineSettings
    assert type(opened(Plain).settings.session) is PipelineSettings


def test_what_a_provider_reads_is_all_that_it_reaches(opened: Opener) -> None:
    class Reading(PipelineComponents):
        settings = Settings(Digits)
        me = providers.Self()
        a = providers.Factory(Thing, settings.node.train.c, x=settings.process)
        b = providers.Singleton(Thing, settings.session.seed)
        c = providers.Factory(Thing, a.provider, providers.List(b))
        everything = providers.Singleton(Thing, me)
        nothing = providers.Object(1)

    blueprint = Reading.blueprint()
    assert blueprint.settings_reads("a") == {SettingRead("node", "train.c"), SettingRead("process", "")}
    assert blueprint.settings_reads("c") == opened(Reading).settings_reads("everything")
    assert blueprint.settings_reads("c") == {*blueprint.settings_reads("a"), SettingRead("session", "seed")}
    assert blueprint.settings_reads("nothing") == frozenset()


def test_providers_are_called_by_dotted_names_and_others_by_their_place() -> None:
    class Inner(containers.DeclarativeContainer):
        part = providers.Factory(Thing)

    class Named(PipelineComponents):
        inner = providers.Container(Inner)
        b = providers.Factory(Thing, inner.part, providers.List(providers.Factory(Thing)))
        a = b

    blueprint = Named.blueprint()
    assert sorted(blueprint.graph.names) == ["a", "b", "inner", "inner.part"]
    assert [node.name for node in blueprint.graph.nodes] == ["a", "inner", "inner.part", "a[1]", "a[1][0]"]
    assert blueprint.node("b") is blueprint.node("a")
    assert blueprint.node("a[1][0]").provides is Thing


@pytest.mark.parametrize("kind", [providers.Singleton, NodeSingleton, ProcessSingleton])
def test_chains_of_thousands_compile_and_what_is_kept_is_built(opened: Opener, kind: Any) -> None:
    chain = [kind(Thing)]
    for _ in range(3000):
        chain.append(kind(Thing, chain[-1]))
    deep = opened(
        type("Deep", (PipelineComponents,), {"last": chain[-1], "again": providers.Factory(Thing, chain[-1])})
    )
    with deep.node("//a") as node:
        assert node.again().parts == (node.last(),)


def test_a_chain_of_factories_may_be_hundreds_long(opened: Opener) -> None:
    chain = [providers.Factory(Thing)]
    for _ in range(3000):
        chain.append(providers.Factory(Thing, chain[-1]))
    deep = opened(type("Deep", (PipelineComponents,), {"short": chain[500], "long": chain[-1]}))
    assert deep.short().parts
    with pytest.raises(RecursionError):
        deep.long()
