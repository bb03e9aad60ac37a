import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from dependency_injector import providers, resources
from pydantic_settings import SettingsConfigDict

from oneml.habitats.errors import (
    BuiltInDefineError,
    ClosedScopeError,
    InvalidNodePathError,
    InvalidPipelineError,
    InvalidSessionIdError,
    NotOpenedError,
    OutsideNodeError,
    UnbuildableError,
    UnknownProviderError,
)
from oneml.habitats.habitats.components import PipelineComponents, define_pipeline
from oneml.habitats.habitats.providers import NodeResource, NodeSingleton, ProcessResource, ProcessSingleton
from oneml.habitats.habitats.settings_views import Settings
from oneml.habitats.settings.models import PipelineNodeSettings, PipelineSettings
from oneml.habitats.values.node_path import NodePath

Opener = Callable[..., Any]


class Thing:
    """Something that is built."""

    def __init__(self, *parts: object) -> None:
        self.parts = parts


class Named(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_")
    name: str = "default"


class Shop(PipelineComponents):
    settings = Settings(Named)
    process = ProcessSingleton(Thing)
    session = providers.Singleton(Thing, process)
    node_wide = NodeSingleton(Thing, session)
    fresh = providers.Factory(Thing, node_wide, session)
    name_of_node = providers.Factory(Thing, settings.node.name)


def test_an_opened_container_is_an_instance_of_its_class(opened: Opener) -> None:
    shop = opened(Shop)
    assert type(shop) is Shop
    assert isinstance(shop.session(), Thing)


def test_a_singleton_is_one_in_its_session_and_another_in_the_next(opened: Opener) -> None:
    one, other = opened(Shop), opened(Shop)
    assert one.session() is one.session()
    assert one.session() is not other.session()


def test_a_process_singleton_is_one_in_all_sessions(opened: Opener) -> None:
    one, other = opened(Shop), opened(Shop)
    assert one.process() is other.process()
    assert one.session().parts == (one.process(),)


def test_a_node_singleton_is_one_in_its_node_over_the_objects_of_the_session(opened: Opener) -> None:
    shop = opened(Shop)
    with shop.node("//a") as a, shop.node("//b") as b:
        assert a.node_wide() is a.node_wide()
        assert a.node_wide() is not b.node_wide()
        assert a.node_wide().parts == b.node_wide().parts == (shop.session(),)


def test_a_factory_gives_a_new_object_at_each_use(opened: Opener) -> None:
    with opened(Shop).node("//a") as node:
        assert node.fresh() is not node.fresh()
        assert node.fresh().parts == (node.node_wide(), node.session())


def test_what_belongs_to_a_node_is_refused_outside_one_and_says_how_to_open_one(opened: Opener) -> None:
    shop = opened(Shop)
    with pytest.raises(OutsideNodeError, match=r'"node_wide" belongs to a node.*components\.node\("//path"\)'):
        shop.node_wide()
    with pytest.raises(OutsideNodeError, match=r"settings\.node\.name belongs to a node"):
        shop.name_of_node()
    with pytest.raises(OutsideNodeError):
        _ = shop.settings.node.name


def test_node_settings_reach_the_node_alone(opened: Opener) -> None:
    shop = opened(Shop, settings={"name": "session", "nodes": {"//b": {"name": "entry"}}})
    with shop.node("//a", settings={"name": "author"}) as node:
        assert node.name_of_node().parts == ("author",)
        assert node.settings.node.name == "author"
        assert node.settings.session.name == shop.settings.session.name == "session"
    with shop.node("//b", settings=PipelineNodeSettings(fields={"name": "author"})) as node:
        assert node.name_of_node().parts == ("entry",)


def test_whole_settings_of_a_node_are_taken_as_they_are(opened: Opener) -> None:
    settings = Named(name="given")
    with opened(Shop).node("//a", settings) as node:
        assert node.settings.node is settings


def test_the_lower_entry_builds_by_name_and_closes(opened: Opener) -> None:
    shop = opened(Shop)
    scope = shop.open_node(NodePath("//a"), Named(name="low"))
    assert scope.build("name_of_node").parts == ("low",)
    scope.close()
    scope.close()
    with pytest.raises(ClosedScopeError):
        scope.build("name_of_node")


def test_an_unknown_provider_is_refused_with_the_nearest(opened: Opener) -> None:
    scope = opened(Shop).open_node(NodePath("//a"), Named())
    with pytest.raises(UnknownProviderError, match=r'No provider "sesion" in Shop\. .*Did you mean "session"\?'):
        scope.build("sesion")


def test_use_after_closing_is_refused_and_closing_twice_is_fine(opened: Opener) -> None:
    shop = opened(Shop)
    held = shop.session
    with shop:
        shop.session()
    shop.close()
    with pytest.raises(ClosedScopeError, match=f"Session {shop.session_id} is closed"):
        held()
    with pytest.raises(ClosedScopeError), shop.node("//a"):
        pass


def test_a_node_that_outlives_its_session_builds_nothing_of_the_session(opened: Opener) -> None:
    shop = opened(Shop)
    scope = shop.open_node(NodePath("//a"), Named())
    shop.close()
    with pytest.raises(ClosedScopeError, match="Session"):
        scope.build("session")


def test_a_session_id_is_kept_or_made_and_checked(opened: Opener) -> None:
    assert opened(Shop, session_id="mine").session_id == "mine"
    assert opened(Shop).session_id != opened(Shop).session_id
    with pytest.raises(InvalidSessionIdError):
        opened(Shop, session_id="../etc")
    with pytest.raises(InvalidNodePathError), opened(Shop).node("a"):
        pass


def test_define_passes_providers_on_and_builds_nothing(opened: Opener) -> None:
    class Building(PipelineComponents):
        greet = providers.Factory(Thing)

        def define(self, pipeline: Any) -> None:
            pipeline.append(self.greet)
            self.greet()

    seen: list[object] = []
    building = opened(Building)
    message = r'define\(\) may not build "greet"\. Pass the provider, self\.greet, without \(\)'
    with pytest.raises(BuiltInDefineError, match=message):
        define_pipeline(building, seen)  # type: ignore[arg-type]
    assert isinstance(building.greet(), Thing)
    assert seen == [building.greet]


def test_a_container_without_define_says_so(opened: Opener) -> None:
    with pytest.raises(InvalidPipelineError, match="Shop defines no pipeline"):
        define_pipeline(opened(Shop), None)  # type: ignore[arg-type]


def test_classes_do_not_build() -> None:
    with pytest.raises(NotOpenedError, match=r"Shop\(\)"):
        Shop()
    for provider in (Shop.process, Shop.node_wide):
        with pytest.raises(NotOpenedError, match=r"with Container\.open\(\)"):
            provider()


def test_an_opened_container_neither_changes_nor_travels(opened: Opener) -> None:
    shop = opened(Shop)
    with pytest.raises(AttributeError, match=r"replace\(Shop\.session"):
        shop.session = providers.Singleton(Thing)
    with pytest.raises(AttributeError, match="does not change"):
        shop.session.override(Thing())
    with pytest.raises(TypeError, match="stays in its process"):
        __import__("pickle").dumps(shop)


def test_none_is_an_object_like_any_other(opened: Opener) -> None:
    calls: list[int] = []

    class Nothing(PipelineComponents):
        nothing = providers.Singleton(calls.append, 1)

    components = opened(Nothing)
    assert components.nothing() is components.nothing() is None
    assert calls == [1]


def test_an_exception_leaves_an_object_unbuilt_and_names_the_provider(opened: Opener) -> None:
    outcomes: list[Any] = [ValueError("no"), Thing()]

    def make() -> Thing:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    class Failing(PipelineComponents):
        thing = providers.Singleton(make)

    components = opened(Failing)
    with pytest.raises(ValueError, match="no") as caught:
        components.thing()
    assert caught.value.__notes__ == ['While building "thing" of Failing.']
    assert components.thing() is components.thing()


@pytest.mark.parametrize("kind", [ProcessSingleton, providers.Singleton, NodeSingleton])
def test_threads_build_each_object_exactly_once(opened: Opener, kind: Any) -> None:
    threads = 8
    together = threading.Barrier(threads)
    built: list[int] = []

    def slow() -> Thing:
        built.append(threading.get_ident())
        threading.Event().wait(0.05)
        return Thing()

    class Contended(PipelineComponents):
        thing = kind(slow)

    with opened(Contended).node("//a") as node, ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda _: (together.wait(), node.thing())[1], range(threads)))
    assert len(built) == 1
    assert all(thing is found[0] for thing in found)


def test_a_thread_that_waits_builds_anew_where_the_first_one_failed(opened: Opener) -> None:
    entered, go_on = threading.Event(), threading.Event()
    built: list[str] = []

    def make() -> str:
        built.append("try")
        if len(built) == 1:
            entered.set()
            go_on.wait(5)
            raise ValueError(1)
        return "made"

    class Failing(PipelineComponents):
        thing = providers.Singleton(make)

    components = opened(Failing)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(components.thing)
        entered.wait(5)
        second = pool.submit(components.thing)
        threading.Event().wait(0.05)
        go_on.set()
        assert second.result(5) == "made"
        assert isinstance(first.exception(5), ValueError)
    assert built == ["try", "try"]


def test_different_objects_are_built_side_by_side(opened: Opener) -> None:
    both = threading.Barrier(2, timeout=5)

    class Pair(PipelineComponents):
        left = providers.Singleton(both.wait)
        right = providers.Singleton(both.wait)

    components = opened(Pair)
    with ThreadPoolExecutor(2) as pool:
        left, right = pool.submit(components.left), pool.submit(components.right)
        assert sorted((left.result(5), right.result(5))) == [0, 1]


def test_an_object_that_asks_for_itself_while_it_is_built_is_refused(opened: Opener) -> None:
    class Ring(PipelineComponents):
        holder = providers.Factory(dict)
        thing = providers.Singleton(lambda again: again(), holder.provider)

    Ring.holder.set_provides(lambda again: again())
    Ring.holder.set_kwargs(again=Ring.thing.provider)
    with pytest.raises(UnbuildableError, match='"thing" cannot be built: building it asks for itself'):
        opened(Ring).thing()


class Log(list[str]):
    """What happened, in order."""

    def resource(self, name: str, *needs: object, fails: bool = False) -> Callable[..., Iterator[str]]:
        def opened(*_needs: object) -> Iterator[str]:
            self.append(f"+{name}")
            yield name
            self.append(f"-{name}")
            if fails:
                raise RuntimeError(name)

        return opened


def test_resources_close_in_reverse_order_of_dependency(opened: Opener) -> None:
    log = Log()

    class Store(PipelineComponents):
        c = providers.Resource(log.resource("c"))
        b = providers.Resource(log.resource("b"), c)
        a = providers.Factory(Thing, b)

    with opened(Store) as components:
        components.a()
        components.a()
    assert log == ["+c", "+b", "-b", "-c"]


def test_a_resource_of_a_node_closes_with_the_node_and_before_the_session(opened: Opener) -> None:
    log = Log()

    class Store(PipelineComponents):
        wide = providers.Resource(log.resource("wide"))
        narrow = NodeResource(log.resource("narrow"), wide)

    with opened(Store) as components:
        with components.node("//a") as node:
            assert node.narrow() == "narrow"
        log.append("left")
        scope = components.open_node(NodePath("//b"), components.settings.session)
        scope.build("narrow")
    assert log == ["+wide", "+narrow", "-narrow", "left", "+narrow", "-narrow", "-wide"]


def test_every_finalizer_runs_even_if_some_fail(opened: Opener) -> None:
    log = Log()

    class Store(PipelineComponents):
        c = providers.Resource(log.resource("c", fails=True))
        b = providers.Resource(log.resource("b"), c)
        a = providers.Resource(log.resource("a", fails=True), b)

    components = opened(Store)
    components.a()
    with pytest.raises(ExceptionGroup, match="2 finalizers of Session") as caught:
        components.close()
    assert [str(error) for error in caught.value.exceptions] == ["a", "c"]
    assert log[3:] == ["-a", "-b", "-c"]


def test_resources_close_when_the_block_raises(opened: Opener) -> None:
    log = Log()

    class Store(PipelineComponents):
        a = providers.Resource(log.resource("a"))

    def fail() -> None:
        with opened(Store) as components:
            components.a()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert log == ["+a", "-a"]


def test_resources_close_when_the_session_is_simply_dropped(opened: Opener) -> None:
    log = Log()

    class Store(PipelineComponents):
        wide = providers.Resource(log.resource("wide"))
        narrow = NodeResource(log.resource("narrow"), wide)
        ring = providers.Singleton(Thing, wide.provider)

    components = opened(Store)
    opened.forget()  # type: ignore[attr-defined]
    components.ring()
    scope = components.open_node(NodePath("//a"), components.settings.session)
    scope.build("narrow")
    del components, scope
    gc.collect()
    assert sorted(log) == ["+narrow", "+wide", "-narrow", "-wide"]


def test_a_provider_in_hand_keeps_its_session_open_and_the_last_one_closes_it_at_once(opened: Opener) -> None:
    log = Log()

    class Store(PipelineComponents):
        wide = providers.Resource(log.resource("wide"))
        ring = providers.Resource(log.resource("ring"), wide.provider)

    components = opened(Store)
    opened.forget()  # type: ignore[attr-defined]
    provider = components.ring
    del components
    assert provider() == "ring"
    del provider
    assert log == ["+ring", "-ring"]


def test_a_resource_that_is_opened_while_its_scope_closes_is_closed_again(opened: Opener) -> None:
    log = Log()

    def close(_first: object) -> None:
        components.close()

    class Store(PipelineComponents):
        first = providers.Resource(log.resource("first"))
        closing = providers.Callable(close, first)
        late = providers.Resource(log.resource("late"), closing)

    components = opened(Store)
    with pytest.raises(ClosedScopeError):
        components.late()
    assert log == ["+first", "-first", "+late", "-late"]


def test_every_form_of_resource_opens_and_closes(opened: Opener) -> None:
    log = Log()

    @contextmanager
    def managed() -> Iterator[str]:
        log.append("+managed")
        yield "managed"
        log.append("-managed")

    class Stock(resources.Resource[str]):
        def init(self, *args: Any, **kwargs: Any) -> str:
            log.append("+stock")
            return f"stock {args} {kwargs}"

        def shutdown(self, resource: str | None) -> None:
            log.append(f"-{resource}")

    class Managing:
        def __enter__(self) -> str:
            return "entered"

        def __exit__(self, *_: object) -> None:
            log.append("-entered")

    class Store(PipelineComponents):
        generator = providers.Resource(log.resource("generator"))
        manager = providers.Resource(managed)
        stock = providers.Resource(Stock, 1, b=2)
        managing = providers.Resource(Managing)
        plain = providers.Resource(lambda: "plain")

    with opened(Store) as components:
        found = [components.generator(), components.manager(), components.stock(), components.managing()]
        assert found == ["generator", "managed", "stock (1,) {'b': 2}", "entered"]
        assert components.plain() == components.plain() == "plain"
    assert log == ["+generator", "+managed", "+stock", "-entered", "-stock (1,) {'b': 2}", "-managed", "-generator"]


def test_a_resource_that_turns_out_asynchronous_is_refused(opened: Opener) -> None:
    async def later() -> None: ...

    def hidden() -> object:
        return later()

    class Store(PipelineComponents):
        late = providers.Resource(hidden)

    with pytest.raises(UnbuildableError, match="asynchronous resource"):
        opened(Store).late()


def test_resources_of_the_process_are_shared_and_outlive_sessions(opened: Opener) -> None:
    log = Log()

    class Store(PipelineComponents):
        pool = ProcessResource(log.resource("pool"))

    with opened(Store) as one, opened(Store) as other:
        assert one.pool() == other.pool() == "pool"
    assert log == ["+pool"]


AT_EXIT = """
import os
from dependency_injector import providers
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.providers import NodeResource, ProcessResource

def resource(name):
    def opened(*needs):
        yield name
        print(name, flush=True)
    return opened

class Store(PipelineComponents):
    pool = ProcessResource(resource("process"))
    session = providers.Resource(resource("session"), pool)
    node = NodeResource(resource("node"), session)

kept = Store.open()
scope = kept.open_node("//a", kept.settings.session)
scope.build("node_wide")
{then}
"""


def at_exit(tmp_path: Any, then: str) -> list[str]:
    script = AT_EXIT.replace("    node = Node", "    node_wide = Node").format(then=then)
    env = {name: value for name, value in os.environ.items() if not name.startswith("ONEML")}
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_what_is_open_at_the_end_of_the_interpreter_closes_inside_out(tmp_path: Any) -> None:
    assert at_exit(tmp_path, "") == ["node", "session", "process"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_leaves_the_resources_of_its_parent_alone(tmp_path: Any) -> None:
    then = "child = os.fork()\nif child:\n    os.waitpid(child, 0)\n    print('parent')"
    assert at_exit(tmp_path, then) == ["parent", "node", "session", "process"]


def test_ten_thousand_sessions_closed_or_dropped_leave_none_alive(opened: Opener) -> None:
    shop = opened(Shop)
    effective = shop._opened.settings
    opened_before: list[weakref.ref[object]] = []
    for number in range(10_000):
        session = Shop.open(settings=effective)
        with session.node("//a") as node:
            built = node.fresh()
        opened_before += [weakref.ref(session), weakref.ref(built), weakref.ref(session.session())]
        if number % 2:
            session.close()
    del session, node, built
    gc.collect()
    assert sum(reference() is not None for reference in opened_before) == 0


def test_a_process_object_keeps_no_session_alive_even_if_it_holds_a_provider(opened: Opener) -> None:
    class Holding(PipelineComponents):
        settings = Settings(Named)
        part = providers.Factory(Thing, settings.process.name)
        holder = ProcessSingleton(Thing, part.provider)

    components = opened(Holding)
    opened.forget()  # type: ignore[attr-defined]
    holder = components.holder()
    session = weakref.ref(components._opened.settings)
    components.close()
    del components
    gc.collect()
    assert session() is None
    assert holder.parts[0]().parts == ("default",)


def test_process_objects_differ_where_the_settings_that_they_read_do(opened: Opener) -> None:
    class Reading(PipelineComponents):
        settings = Settings(Named)
        reads = ProcessSingleton(Thing, settings.process.name)
        through = ProcessSingleton(Thing, reads)
        ignores = ProcessSingleton(Thing)

    one, same = opened(Reading), opened(Reading, settings={"name": "of the session"})
    other = opened(Reading, environ={"SHOP_NAME": "other"})
    assert one.reads() is same.reads()
    assert other.reads() is not one.reads()
    assert other.through().parts == (other.reads(),)
    assert other.ignores() is one.ignores()
    assert other.reads().parts == ("other",)
