import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from dependency_injector import containers, providers, resources

from oneml.habitats.errors import InvalidComponentsError, UnbuildableError
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.overrides import replace
from oneml.habitats.habitats.providers import Choice, NodeSingleton, ProcessSingleton, Reference
from oneml.habitats.habitats.settings_views import Settings
from oneml.habitats.settings.models import PipelineSettings

Opener = Callable[..., Any]


class Thing:
    """Something that is built."""

    label = "thing"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs

    def shout(self, text: str, end: str = "") -> str:
        return text.upper() + end


class Pair:
    """Takes two things by name."""

    def __init__(self, left: object, right: object = "right") -> None:
        self.left, self.right = left, right


class Fixed(PipelineSettings):
    which: str = "one"
    amount: int = 3


def test_arguments_are_given_by_position_by_name_and_as_attributes(opened: Opener) -> None:
    class C(PipelineComponents):
        part = providers.Factory(Thing)
        positional = providers.Factory(Thing, 1, part).add_args(2)
        named = providers.Factory(Pair, right=part, left=1)
        late = providers.Factory(Pair).add_kwargs(left=2).add_attributes(extra=part, plain=4)

    c = opened(C)
    first, part, second = c.positional().args
    assert (first, second, type(part)) == (1, 2, Thing)
    assert (c.named().left, type(c.named().right)) == (1, Thing)
    assert (c.late().left, c.late().plain, type(c.late().extra)) == (2, 4, Thing)


def test_arguments_of_the_caller_mean_what_they_mean_to_the_library(opened: Opener) -> None:
    class C(PipelineComponents):
        inner = providers.Factory(Pair, left="declared")
        outer = providers.Factory(Pair, left=inner, right=1)
        positional = providers.Factory(Thing, 1)

    c = opened(C)
    assert c.outer(right=2).right == 2
    assert c.outer(left__left="given").left.left == "given"
    assert c.positional(2, three=3).args == (1, 2)
    assert c.positional(2, three=3).kwargs == {"three": 3}
    stock = containers.DynamicContainer()
    stock.outer = providers.Factory(Pair, left=providers.Factory(Pair, left="declared"), right=1)
    assert stock.outer(left__left="given").left.left == "given"


def test_what_is_kept_is_built_with_the_arguments_of_the_first_caller(opened: Opener) -> None:
    class C(PipelineComponents):
        session = providers.Singleton(Pair)
        process = ProcessSingleton(Pair)
        per_node = NodeSingleton(Pair)
        resource = providers.Resource(Pair)

    with opened(C).node("//a") as c:
        for provider in (c.session, c.process, c.per_node, c.resource):
            assert provider("first").left == "first"
            assert provider("second").left == provider().left == "first"


SINGLETONS = [
    providers.Singleton,
    providers.ThreadSafeSingleton,
    providers.DelegatedSingleton,
    providers.DelegatedThreadSafeSingleton,
]


@pytest.mark.parametrize("kind", SINGLETONS)
def test_every_singleton_is_one_per_session(opened: Opener, kind: Any) -> None:
    class C(PipelineComponents):
        one = kind(Thing, 1)

    c = opened(C)
    assert c.one() is c.one()
    assert c.one() is not opened(C).one()


@pytest.mark.parametrize("kind", [providers.ThreadLocalSingleton, providers.DelegatedThreadLocalSingleton])
def test_a_thread_local_singleton_is_one_per_session_and_thread(opened: Opener, kind: Any) -> None:
    class C(PipelineComponents):
        one = kind(Thing)

    c = opened(C)
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.extend([c.one(), c.one()]))
    thread.start()
    thread.join()
    assert c.one() is c.one()
    assert found[0] is found[1]
    assert found[0] is not c.one()
    assert opened(C).one() is not c.one()


DELEGATED = [providers.DelegatedFactory, providers.DelegatedSingleton, providers.DelegatedCallable]


@pytest.mark.parametrize("kind", DELEGATED)
def test_delegated_kinds_are_passed_as_providers(opened: Opener, kind: Any) -> None:
    class C(PipelineComponents):
        part = kind(Thing, 1)
        holder = providers.Factory(Pair, left=part)

    passed = opened(C).holder().left
    assert passed().args == (1,)
    assert passed(2).args[0] == 1


def test_providers_can_be_passed_and_called_with_arguments(opened: Opener) -> None:
    class C(PipelineComponents):
        part = providers.Factory(Pair, right="declared")
        by_attribute = providers.Factory(Pair, left=part.provider)
        delegate = providers.Delegate(part)
        factory_delegate = providers.FactoryDelegate(part)
        callable_delegate = providers.CallableDelegate(providers.Callable(Thing))
        singleton_delegate = providers.SingletonDelegate(providers.Singleton(Thing))
        by_object = providers.Object(part)

    c = opened(C)
    passed = (c.by_attribute().left, c.delegate(), c.factory_delegate(), c.by_object(), c.part.provider())
    for provider in passed:
        assert (provider("given").left, provider("given").right) == ("given", "declared")
    assert isinstance(c.callable_delegate()(), Thing)
    assert c.singleton_delegate()() is c.singleton_delegate()()


def test_a_factory_of_a_provider_calls_that(opened: Opener) -> None:
    class C(PipelineComponents):
        part = providers.Factory(Pair, right=2)
        through = providers.Factory(part, left=1)

    made = opened(C).through()
    assert (made.left, made.right) == (1, 2)


def test_a_factory_that_is_specialised_by_type_works(opened: Opener) -> None:
    class ThingFactory(providers.Factory):  # type: ignore[type-arg]
        provided_type = Thing

    class C(PipelineComponents):
        thing = ThingFactory(Thing, 1)

    assert opened(C).thing().args == (1,)


def test_callables_and_strings_and_objects(opened: Opener) -> None:
    value: list[int] = []

    class C(PipelineComponents):
        division = providers.Callable(divmod, 7)
        by_name = providers.Factory("collections.OrderedDict")
        builtin = providers.Factory("dict", a=1)
        kept = providers.Object(value)

    c = opened(C)
    assert c.division(2) == (3, 1)
    assert type(c.by_name()).__name__ == "OrderedDict"
    assert c.builtin() == {"a": 1}
    assert c.kept() is value


def test_lists_and_dictionaries_build_their_items(opened: Opener) -> None:
    class C(PipelineComponents):
        part = providers.Singleton(Thing)
        items = providers.List(part, 2)
        entries = providers.Dict({"a.b": part, 3: 4}, plain=5)

    c = opened(C)
    assert c.items() == [c.part(), 2]
    assert c.items() is not c.items()
    assert c.entries() == {"a.b": c.part(), 3: 4, "plain": 5}
    assert c.items(7) == [c.part(), 2, 7]


def test_a_selector_builds_what_its_setting_or_function_says(opened: Opener) -> None:
    class C(PipelineComponents):
        settings = Settings(Fixed)
        chosen = providers.Selector(settings.session.which, one=providers.Object(1), two=providers.Factory(Thing))
        by_function = providers.Selector(lambda: "two", one=providers.Object(1), two=chosen)

    assert opened(C).chosen() == 1
    c = opened(C, settings={"which": "two"})
    assert c.chosen(5).args == (5,)
    assert isinstance(c.by_function(), Thing)
    assert c.chosen.one() == 1
    with pytest.raises(UnbuildableError, match=r"\"chosen\" cannot be built: it selects 'three'\. Known: one, two\."):
        opened(C, settings={"which": "three"}).chosen()


def test_a_choice_is_a_selector_also_where_its_container_is_nested(opened: Opener) -> None:
    class Inner(containers.DeclarativeContainer):
        which = providers.Dependency(instance_of=str)
        chosen = Choice(which, one=providers.Object(1), two=providers.Object(2))

    class C(PipelineComponents):
        settings = Settings(Fixed)
        inner = providers.Container(Inner, which=settings.session.which)

    assert opened(C).inner.chosen() == 1
    assert opened(C, settings={"which": "two"}).inner.chosen() == 2
    assert opened(C, replace(C.inner.chosen, 3)).inner.chosen() == 3


@pytest.mark.parametrize("kind", [providers.Aggregate, providers.FactoryAggregate])
def test_an_aggregate_gives_its_members_by_name(opened: Opener, kind: Any) -> None:
    class C(PipelineComponents):
        part = providers.Factory(Thing, 0)
        several = kind(one=part, two=providers.Factory(Pair))
        dotted = kind({"a.b": part})
        holder = providers.Factory(Pair, left=several)

    c = opened(C)
    assert c.several("one", 1).args == c.several.one(1).args == (0, 1)
    assert c.several(factory_name="two", left=2).left == 2
    assert c.holder().left("one").args == (0,)
    assert c.dotted("a.b").args == (0,)
    assert sorted(c.several.providers) == ["one", "two"]
    with pytest.raises(UnbuildableError, match=r"it has no 'three'\. Known: one, two"):
        c.several("three")
    with pytest.raises(UnbuildableError, match=r"it is an aggregate: say which, several\.one\(\)"):
        c.several()


def test_provided_chains_reach_into_what_is_built(opened: Opener) -> None:
    class C(PipelineComponents):
        part = providers.Singleton(Thing, {"deep": ["item"]}, text="x")
        chain = providers.Factory(
            Thing,
            part.provided.label,
            part.provided.args[0]["deep"][0],
            part.provided.shout.call("a", end=part.provided.kwargs["text"]),
            part.provided,
        )
        attribute = part.provided.label

    c = opened(C)
    assert c.chain().args == ("thing", "item", "Ax", c.part())
    assert c.attribute() == "thing"


def test_a_configuration_with_values_from_code_works(opened: Opener) -> None:
    class C(PipelineComponents):
        config = providers.Configuration(default={"db": {"port": "5432"}, "names": {"x": 1}})
        port = providers.Factory(Thing, config.db.port.as_int(), config.db.missing)
        chosen = providers.Callable(Thing, config.names[providers.Object("x")])

    c = opened(C)
    assert c.port().args == (5432, None)
    assert c.chosen().args == (1,)
    assert c.config()["db"] == {"port": "5432"}
    assert c.config.db.port() == c.config["db"]["port"]() == "5432"


def test_a_configuration_that_was_filled_in_the_class_body_works(opened: Opener) -> None:
    class C(PipelineComponents):
        config = providers.Configuration()
        config.from_dict({"a": 1})
        thing = providers.Factory(Thing, config.a.required())

    assert opened(C).thing().args == (1,)


def test_a_dependency_takes_its_default_and_checks_its_type(opened: Opener) -> None:
    class C(PipelineComponents):
        good = providers.Dependency(instance_of=Thing, default=providers.Factory(Thing))
        plain = providers.Dependency(default=4)
        bad = providers.Dependency(instance_of=Thing, default=5)

    c = opened(C)
    assert isinstance(c.good(), Thing)
    assert c.plain() == 4
    with pytest.raises(UnbuildableError, match='"bad" cannot be built: it depends on a Thing, and is given a int'):
        c.bad()


class Clients(containers.DeclarativeContainer):
    """A stock container to be nested."""

    url = providers.Dependency(instance_of=str, default="default")
    pool = ProcessSingleton(Thing)
    client = providers.Singleton(Thing, url, pool)
    session_client = providers.Factory(Pair, left=client)


class Gateways(containers.DeclarativeContainer):
    """A stock container that takes others."""

    clients = providers.DependenciesContainer()
    gateway = providers.Factory(Pair, left=clients.client)


def test_nested_containers_resolve_with_what_they_were_given(opened: Opener) -> None:
    class C(PipelineComponents):
        settings = Settings(Fixed)
        clients = providers.Container(Clients, url=settings.session.which)
        gateways = providers.Container(Gateways, clients=clients)
        user = providers.Factory(Pair, left=clients.client, right=gateways.gateway)

    c, other = opened(C), opened(C, settings={"which": "two"})
    assert c.clients.client() is c.user().left is c.user().right.left
    assert c.clients().client() is c.clients.client()
    assert c.clients.client().args[0] == "one"
    assert other.clients.client().args[0] == "two"
    assert c.clients.client().args[1] is other.clients.client().args[1]
    assert C.blueprint().node("gateways.clients.client").kind == "dependency"


def test_providers_of_other_containers_can_be_used_directly(opened: Opener) -> None:
    class C(PipelineComponents):
        user = providers.Factory(Pair, left=Clients.client)

    c = opened(C)
    assert c.user().left is c.user().left
    assert c.user().left.args[0] == "default"


def test_several_bases_give_the_providers_that_attribute_lookup_finds(opened: Opener) -> None:
    class A(PipelineComponents):
        thing = providers.Object("a")
        other = providers.Object("other")

    class B(PipelineComponents):
        thing = providers.Object("b")

    class C(A, B):
        user = providers.Factory(Pair, left=A.thing)

    c = opened(C)
    assert (c.thing(), c.other(), c.user().left) == ("a", "other", "a")


def test_a_copied_container_is_rewired(opened: Opener) -> None:
    class Base(PipelineComponents):
        part = providers.Object("base")
        user = providers.Factory(Pair, left=part)

    @containers.copy(Base)
    class Copied(Base):
        part = providers.Object("copied")

    assert opened(Copied).user().left == "copied"
    assert opened(Base).user().left == "base"


def test_self_gives_the_container_in_its_scope(opened: Opener) -> None:
    class C(PipelineComponents):
        me = providers.Self()
        thing = providers.Singleton(Thing)
        holder = providers.Singleton(Pair, left=me)

    c = opened(C)
    assert isinstance(c.holder().left, C)
    assert c.holder().left.thing() is c.me().thing() is c.thing()


def test_coroutines_can_be_had_and_passed_as_providers(opened: Opener) -> None:
    async def later(number: int) -> int:
        return number

    class C(PipelineComponents):
        fetch = providers.Coroutine(later, 1)
        holder = providers.Factory(Pair, left=fetch.provider)
        delegated = providers.DelegatedCoroutine(later, 2)

    c = opened(C)
    assert asyncio.run(c.fetch()) == 1
    assert asyncio.run(c.holder().left()) == 1
    assert asyncio.run(c.delegated()) == 2


def test_overrides_in_the_class_body_are_part_of_the_class(opened: Opener) -> None:
    class C(PipelineComponents):
        abstract = providers.AbstractFactory(Thing)
        concrete = providers.Factory(Thing, "concrete")
        abstract.override(concrete)
        user = providers.Factory(Pair, left=abstract)

    assert opened(C).user().left.args == ("concrete",)


def test_plain_collections_are_copied_for_each_object_and_all_else_is_passed_on(opened: Opener) -> None:
    model, shared = Thing(), [1]
    ring: list[object] = []
    ring.append(ring)

    class C(PipelineComponents):
        pair = providers.Factory(Pair, left=model, right={"a": [shared, (shared, {2})], "m": model})
        rings = providers.Factory(Pair, left=ring)
        kept = providers.Object(shared)

    c = opened(C)
    one, other = c.pair(), c.pair()
    assert one.left is other.left is model
    assert one.right == other.right == {"a": [[1], ([1], {2})], "m": model}
    assert one.right["a"][0] is not other.right["a"][0]
    assert one.right["m"] is model
    assert c.rings().left[0] is c.rings().left[0] or c.rings().left[0][0] is not ring
    assert c.kept() is shared
    assert c.pair(left=shared).left is shared


class Foreign(providers.Provider):  # type: ignore[type-arg]
    """Provides in its own way."""

    def _provide(self, args: object, kwargs: object) -> int:
        return 1


async def coroutine() -> None: ...


async def generated() -> AsyncIterator[int]:
    yield 1


class AsyncStock(resources.AsyncResource[int]):
    """The library's own asynchronous resource."""

    async def init(self, *args: Any, **kwargs: Any) -> int:
        return 1


def in_async_mode() -> providers.Factory[Thing]:
    factory = providers.Factory(Thing)
    factory.enable_async_mode()
    return factory


ASYNC = "it is an asynchronous resource, .* Use a generator function or a context manager"
REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: providers.Resource(coroutine), ASYNC),
    (lambda: providers.Resource(generated), ASYNC),
    (lambda: providers.Resource(asynccontextmanager(generated)), ASYNC),
    (lambda: providers.Resource(AsyncStock), ASYNC),
    (lambda: providers.ContextLocalSingleton(Thing), "contexts that outlive the session. Use a Singleton"),
    (lambda: providers.ContextLocalResource(Thing), "contexts that outlive the session. Use a Singleton"),
    (lambda: providers.AbstractFactory(Thing), "gives nothing by itself. Override it in the class body"),
    (lambda: providers.AbstractSingleton(Thing), "gives nothing by itself"),
    (lambda: providers.AbstractCallable(Thing), "gives nothing by itself"),
    (lambda: providers.AbstractCoroutine(coroutine), "gives nothing by itself"),
    (lambda: providers.Dependency(instance_of=Thing), "it is a Dependency on Thing that nothing gives"),
    (lambda: providers.ExternalDependency(instance_of=Thing), "it is a Dependency on Thing that nothing gives"),
    (lambda: providers.Factory(Thing, providers.DependenciesContainer().client), "that nothing gives"),
    (lambda: providers.Configuration(yaml_files=["x.yml"]), "come from files or models that a worker may not have"),
    (providers.Factory, "it provides nothing. Give it a class or a function."),
    (providers.Delegate, "it delegates to nothing"),
    (providers.Selector, "it has nothing to select by"),
    (providers.Container, "it contains nothing"),
    (providers.Provider, "Provider provides in a way of its own"),
    (Foreign, "Foreign provides in a way of its own, .* Derive it from a stock provider"),
    (in_async_mode, "it is in asynchronous mode"),
    (lambda: providers.Factory(Thing, Settings(Fixed)), "is all the settings. Pass a view"),
    (
        lambda: providers.Factory(Thing, providers.Coroutine(coroutine)),
        r"is given the coroutine of \"thing\[0\]\", not what that would return. Pass the provider",
    ),
]


@pytest.mark.parametrize(("make", "reason"), REFUSED)
def test_what_cannot_be_compiled_is_refused_with_the_reason_and_the_way_out(
    opened: Opener, make: Callable[[], Any], reason: str
) -> None:
    container = type("C", (PipelineComponents,), {"thing": make()})
    with pytest.raises(InvalidComponentsError, match=rf"C has a problem:\s+C\.thing.*{reason}") as caught:
        opened(container)
    assert len(caught.value.problems) == 1


def test_what_is_abstract_can_be_given_when_the_container_opens(opened: Opener) -> None:
    class C(PipelineComponents):
        abstract = providers.AbstractFactory(Thing)
        dependency = providers.Dependency(instance_of=Thing)

    given = Thing()
    c = opened(C, replace(C.abstract, provider=providers.Factory(Thing, 1)), replace(C.dependency, given))
    assert c.abstract().args == (1,)
    assert c.dependency() is given


EVERY: ClassVar = [
    getattr(providers, name)
    for name in dir(providers)
    if isinstance(getattr(providers, name), type) and issubclass(getattr(providers, name), providers.Provider)
]


@pytest.mark.parametrize("kind", EVERY)
def test_no_kind_of_the_library_crashes_even_unfilled(kind: Any) -> None:
    try:
        provider = kind()
    except Exception:  # noqa: BLE001  # it needs arguments, which the tests above give
        return
    if not isinstance(provider, providers.Self):
        blueprint = type("C", (PipelineComponents,), {"thing": provider}).blueprint()
        assert all(re.match(r"C\.thing", problem.message) for problem in blueprint.problems)


def test_a_reference_is_copied_with_the_container_that_it_is_nested_in(opened: Opener) -> None:
    class Inner(containers.DeclarativeContainer):
        part = providers.Dependency()
        made = Reference(object, "collections:Counter", a=part)

    class C(PipelineComponents):
        inner = providers.Container(Inner, part=providers.Object(2))

    assert opened(C).inner.made() == {"a": 2}
