"""What the fixtures of the pytest plugin promise, shown by test suites that use them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from oneml.habitats import PipelineComponents, PipelineServiceClient
from oneml.habitats.errors import InvalidHabitatNameError, InvalidOverrideError, NotAHabitatError, SettingsError
from oneml.habitats.testing import NewSession, OpenComponents

Suite = Callable[..., pytest.RunResult]

FAKES = """
class Fake(Client):
    def read(self):
        return 10


def fake() -> Client:
    return Fake()

"""


def test_no_dependant_of_any_scope_keeps_a_stale_object_before_or_after(suite: Suite) -> None:
    result = suite(
        FAKES
        + """
def read_all(components):
    with components.node("//read") as node:
        holders = [node.by_process(), node.by_session(), node.by_node(), node.by_use().client, node.read()]
        return [holder.client.read() for holder in holders] + [node.client().read(), node.nested.client().read()]

@pytest.mark.parametrize("turn", range(3))
def test_real(open_components, turn):
    assert read_all(open_components(Shop)) == [1] * 7

@pytest.mark.parametrize("override", [
    replace(Shop.client, Fake()), replace(Shop.client, factory=Fake), replace(Shop.client, factory=fake),
    replace(Shop.client, provider=Reference(Client, "test_shop:Fake")),
])
def test_replaced(open_components, override):
    before = open_components(Shop)
    assert read_all(before) == [1] * 7
    assert read_all(open_components(Shop, override, replace(Shop.nested.client, Fake()))) == [10] * 7
    assert read_all(before) == read_all(open_components(Shop)) == [1] * 7

def test_real_again(open_components):
    assert read_all(open_components(Shop)) == [1] * 7
"""
    )
    result.assert_outcomes(passed=8)


def test_overrides_are_checked_first_and_all_made_or_none(suite: Suite) -> None:
    result = suite(
        FAKES
        + """
def test_wrong(open_components, new_session, run_node):
    wrong = [replace(Shop.client, Fake()), replace(Shop.by_process, 3), replace(Shop.read, 4)]
    for opens in (open_components, new_session, lambda *given: run_node(given[0], "//read", *given[1:])):
        with pytest.raises(Exception) as caught:
            opens(Shop, *wrong)
        told = [(reason.split(".")[0], reason[-1]) for reason in caught.value.reasons]
        assert told == [
            (f'"{name}" gives Holder, and is replaced by an int', ")") for name in ("by_process", "read")
        ]
    with pytest.raises(Exception, match=r"is replaced is none of Shop's\\. Known: by_node, .*nested\\.client"):
        open_components(Shop, replace(shop.Nested.client, Fake()))
    assert open_components(Shop).client().read() == 1
"""
    )
    result.assert_outcomes(passed=1)


def test_each_test_has_objects_of_the_process_and_a_store_of_its_own(suite: Suite) -> None:
    result = suite(
        """
met = []

@pytest.mark.parametrize("turn", range(2))
def test_turn(open_components, new_session, service_client, turn):
    components = open_components(Shop)
    assert components.connection() == "open"
    client = components.client()
    assert client is open_components(Shop).client()
    assert client not in met
    met.append(client)
    assert shop.closed == ["connection"] * turn
    session = new_session(Shop)
    assert [row.session_id for row in service_client.list_sessions()] == [session.session_id]
    assert service_client.load_session(session.session_id).habitat == "shop"

def test_after():
    assert shop.closed == ["connection"] * 2
"""
    )
    result.assert_outcomes(passed=3)


def test_nothing_that_was_set_outside_is_seen_and_all_that_tests_set_is(
    suite: Suite, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = pytester.mkdir("config")
    (config / "oneml").mkdir()
    (config / "oneml" / "settings.toml").write_text("retries = 7\n")
    pytester.path.joinpath("oneml.toml").write_text("retries = 8\n")
    for name, value in {
        "XDG_CONFIG_HOME": str(config),
        "SHOP_FACTOR": "100",
        "ONEML_SETTINGS__RETRIES": "9",
        "ONEML_STORE_URL": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    text = """
def settings(components):
    return components.settings.session.factor, components.settings.session.retries

@pytest.fixture(autouse=True)
def by_fixture(monkeypatch, request):
    if "fixture" in request.node.name:
        monkeypatch.setenv("SHOP_FACTOR", "4")

def test_hidden(open_components, new_session):
    assert settings(open_components(Shop)) == (2, 0)
    assert new_session(Shop).open().settings.session.factor == 2
    assert os.environ["ONEML_STORE_URL"].endswith(".oneml/store")
    assert settings(Shop.open()) == (2, 8), "what is opened by hand reads the working directory"

def test_restored():
    assert os.environ["SHOP_FACTOR"] == "100" and os.environ["ONEML_SETTINGS__RETRIES"] == "9"

def test_of_fixture(open_components):
    assert settings(open_components(Shop)) == (4, 0)

def test_of_test(open_components, monkeypatch):
    monkeypatch.setenv("SHOP_FACTOR", "5")
    monkeypatch.setenv("ONEML_SETTINGS__RETRIES", "3")
    assert settings(open_components(Shop)) == (5, 3)
    assert settings(open_components(Shop, settings={"factor": 6})) == (6, 3)

def test_of_conftest(open_components):
    assert open_components(Shop).settings.session.priority == 12
"""
    conftest = "import os\nos.environ['ONEML_SETTINGS__PRIORITY'] = '12'\n"
    options = ("-n", "2", "--dist", "each", "-W", "error")
    result = suite(text, *options, in_process=False, conftest=conftest)
    result.assert_outcomes(passed=10)


def test_what_fails_at_the_end_is_reported_after_everything_was_closed(suite: Suite) -> None:
    result = suite(
        """
def fails():
    yield 1
    shop.closed.append("session")
    raise ValueError("cannot close")

class Broken(Shop):
    failing = providers.Resource(fails)

def test_open(open_components):
    for _ in range(2):
        assert open_components(Broken).failing() == 1
    assert open_components(Shop).connection() == "open"

def test_after():
    assert shop.closed == ["session", "session", "connection"]
"""
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_open*", "*ValueError: cannot close*"])
    assert str(result.stdout).count("ValueError: cannot close") == 2


def test_session_that_is_left_running_is_stopped_and_told(suite: Suite) -> None:
    result = suite(
        """
began = threading.Event()
class Slow(Client):
    def read(self):
        began.set()
        threading.Event().wait(0.5)
        return 1

states = []
def test_leaves(new_session):
    session = new_session(Shop, replace(Shop.client, Slow()))
    thread = threading.Thread(target=lambda: states.append(session.run().succeeded))
    thread.start()
    assert began.wait(10)
    states.append(thread)

def test_after():
    states[0].join(10)
    assert states[1:] == [False]
"""
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*The test left behind:", "*of shop*It is stopped now*"])


def test_habitats_are_known_by_class_by_name_and_where_two_classes_are_called_alike(suite: Suite) -> None:
    result = suite(
        """
def test_names(new_session, open_components):
    Local = type("Shop", (Shop,), {})
    assert new_session(Shop).habitat == "shop"
    assert new_session(Local).habitat == "shop-2"
    assert new_session("hello-world-demo").habitat == "hello-world-demo"
    from hello_world_demo import HelloWorld
    assert new_session(HelloWorld, settings={"greeting": "Hi"}).habitat == "hello-world-demo"
    assert isinstance(open_components("hello-world-demo"), HelloWorld)
"""
    )
    result.assert_outcomes(passed=1)


def test_classes_that_a_function_makes_are_told_apart(suite: Suite) -> None:
    result = suite(
        """
def shop_that_reads(number):
    class Counts(Client):
        def read(self):
            return number

    class Local(Shop):
        read = providers.Factory(shop.Holder, providers.Factory(Counts))

    return Local

def test_each_is_itself(new_session, open_components, run_node):
    first, second = shop_that_reads(3), shop_that_reads(4)
    for _ in range(2):
        assert [run_node(each, "//read") for each in (first, second)] == [3, 4]
        assert all(isinstance(open_components(each), each) for each in (first, second))
    session = new_session(second)
    assert session.run().succeeded
    assert session.output("//read") == 4
"""
    )
    result.assert_outcomes(passed=1)


ENGINES = (
    FAKES
    + """
@pytest.mark.parametrize(("engine", "workers"), [("in-process", 1), ("in-process", 3), ("process", 1)])
def test_run(new_session, engine, workers):
    for override in OVERRIDES:
        session = new_session(Shop, *override, engine=engine, settings={"workers": workers})
        assert session.run().succeeded, session.outcome("//read")
        assert session.output("//scale", "value", form=int) == (45 if override else 9)
"""
)


FAR = """
from shop import Client

class Far(Client):
    def read(self):
        return 10
"""


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_workers_import_fakes_of_modules_and_packages(suite: Suite, pytester: pytest.Pytester, mode: str) -> None:
    (pytester.mkpydir("checks") / "fakes.py").write_text(FAR)
    overrides = """
from checks.fakes import Far
OVERRIDES = [
    (), (replace(Shop.client, factory=Fake),), (), (replace(Shop.client, factory=fake),),
    (replace(Shop.client, factory=Far),), (replace(Shop.client, provider=Reference(Client, "checks.fakes:Far")),),
]
"""
    pytester.makeini("[pytest]\npythonpath = .\n")
    result = suite(ENGINES + overrides, f"--import-mode={mode}")
    result.assert_outcomes(passed=3)


def test_live_objects_are_refused_where_nodes_leave_the_process_with_the_way_out(suite: Suite) -> None:
    result = suite(
        FAKES
        + """
def test_refused(new_session):
    for override in (replace(Shop.client, Fake()), replace(Shop.client, factory=lambda: Fake())):
        assert new_session(Shop, override, engine="in-process").run().succeeded
        with pytest.raises(Exception, match=r'"client" is replaced by a live \\w+, which a worker cannot rebuild'):
            new_session(Shop, override, engine="process")
"""
    )
    result.assert_outcomes(passed=1)


def test_engine_may_be_an_object_and_stands_above_settings(suite: Suite) -> None:
    result = suite(
        """
from oneml.habitats import PipelineSessionSettings
from oneml.habitats.engines.in_process import InProcessEngine

def test_engine(new_session):
    for settings in (None, {"engine": "process", "factor": 3}, PipelineSessionSettings(engine="process")):
        session = new_session(Shop, settings=settings, engine=InProcessEngine())
        assert session.open().settings.session.engine == "in-process"
        assert session.run().succeeded
"""
    )
    result.assert_outcomes(passed=1)


def test_what_is_no_engine_is_told(suite: Suite) -> None:
    result = suite(
        """
from oneml.habitats.errors import NotAnEngineError

def test_engine(new_session):
    with pytest.raises(NotAnEngineError, match="3 is no engine"):
        new_session(Shop, engine=3)
"""
    )
    result.assert_outcomes(passed=1)


def test_fixtures_are_listed_with_what_they_are_for(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--fixtures", "-q")
    result.stdout.fnmatch_lines_random(["open_components*", "new_session*", "run_node*", "service_client*"])


def test_store_lies_below_the_folder_of_the_test(service_client: PipelineServiceClient, tmp_path: Path) -> None:
    assert service_client.store.url == (tmp_path / ".oneml" / "store").as_uri()


def test_store_and_configuration_are_those_of_the_test_where_no_variable_says_so(
    new_session: NewSession, service_client: PipelineServiceClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ONEML_STORE_URL", "ONEML_CONFIG_DIR"):
        monkeypatch.delenv(name)
    session = new_session("hello-world-demo")
    assert [row.session_id for row in service_client.list_sessions()] == [session.session_id]
    assert list((tmp_path / ".oneml" / "store").iterdir())


@pytest.mark.parametrize("wrong", [3, Path, "opened"])
def test_what_is_no_container_class_is_told(open_components: OpenComponents, wrong: Any) -> None:
    class Small(PipelineComponents): ...

    given = open_components(Small) if wrong == "opened" else wrong
    with pytest.raises(NotAHabitatError, match=r"which is no class of a container\. It must be a subclass"):
        open_components(given)


def test_settings_and_overrides_that_are_none_are_told(open_components: OpenComponents) -> None:
    class Small(PipelineComponents): ...

    with pytest.raises(SettingsError, match=r"settings are a mapping, or PipelineSessionSettings\(...\); not list"):
        open_components(Small, settings=cast("Any", [3]))
    with pytest.raises(InvalidOverrideError, match=r"3 is no override. Give replace\(Small.name, ...\)"):
        open_components(Small, cast("Any", 3))


def test_a_class_is_no_name(service_client: PipelineServiceClient) -> None:
    with pytest.raises(InvalidHabitatNameError, match="Path'>\" is not a name for a habitat"):
        service_client.create_session(cast("Any", Path))
