"""What a test leaves behind is told where it was left, and undone before the next test."""

from collections.abc import Callable

import pytest

Suite = Callable[..., pytest.RunResult]


def test_override_of_the_library_fails_its_test_by_name_and_place_and_is_undone(suite: Suite) -> None:
    result = suite(
        """
class Fake(Client): pass

@pytest.mark.parametrize("provider", [Shop.client, Shop.nested.client])
def test_leaves(provider):
    provider.override(providers.Object(Fake()))

def test_sound(open_components):
    components = open_components(Shop)
    assert type(components.client()) is type(components.nested.client()) is Client

def test_undoes_it_itself():
    with Shop.client.override(providers.Object(Fake())):
        assert type(Shop.client()) is Fake

@pytest.fixture
def careless():
    Shop.by_session.override(providers.Object(1))

def test_with_careless_fixture(careless):
    pass

def test_whole_container():
    Shop.override(type("Other", (type(Shop).__mro__[0] and Shop.__base__,), {"client": providers.Object(4)}))

def test_sound_at_the_end(open_components):
    assert type(open_components(Shop).client()) is Client
"""
    )
    result.assert_outcomes(passed=7, errors=4)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_leaves[[]provider0]*",
            "test_shop.py::test_leaves[[]provider0] left behind:",
            "*Shop.client (*shop.py:*), overridden for everybody by *Object*undone now*replace(Shop.client, ...)*",
            "*Shop.nested.client (*shop.py:*), overridden*",
            "*ERROR at teardown of test_with_careless_fixture*",
        ]
    )


def test_override_that_belongs_to_a_class_stays_and_comes_back(suite: Suite) -> None:
    result = suite(
        """
client = providers.Factory(Client)
client.override(providers.Factory(dict))

class Declared(Shop.__base__):
    client = client

def test_takes_it_away():
    Declared.client.reset_override()

def test_is_back(open_components):
    assert open_components(Declared).client() == {}
"""
    )
    result.assert_outcomes(passed=2, errors=1)


def test_providers_that_a_test_puts_into_a_class_and_leaves_fail_it_and_are_taken_out(suite: Suite) -> None:
    result = suite(
        """
class Fake(Client):
    def read(self):
        return 10

class Branch(Shop): pass

def test_leaves():
    Shop.client = providers.Object(Fake())
    Shop.added = providers.Object(1)
    del Shop.connection

def test_leaves_in_a_derived_class():
    Branch.client = providers.Object(Fake())

def test_fails():
    Shop.client = providers.Object(Fake())
    assert False

@pytest.fixture(scope="module")
def of_all_tests():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shop, "by_session", providers.Object("wide"))
        yield

def test_sound(open_components, monkeypatch):
    assert not hasattr(Shop, "added")
    for habitat in (Shop, Branch):
        components = open_components(habitat)
        assert components.read()() == components.client().read() == 1
        assert components.connection() == "open"
    monkeypatch.setattr(Shop, "client", providers.Object(Fake()))
    assert open_components(Shop).client().read() == 10

def test_sound_again(open_components, of_all_tests):
    assert open_components(Shop).client().read() == 1

def test_sound_with_what_a_wider_fixture_sets(open_components, of_all_tests):
    assert open_components(Shop).by_session() == "wide"
"""
    )
    result.assert_outcomes(passed=5, failed=1, errors=3)
    for name in ("added", "client", "connection"):
        result.stdout.fnmatch_lines_random([f"*the attribute {name} of the class Shop. It is as before now*"])
    result.stdout.fnmatch_lines_random(["*the attribute client of the class Branch.*"])


def test_variables_that_a_test_itself_sets_and_leaves_fail_it(suite: Suite) -> None:
    result = suite(
        """
@pytest.fixture(scope="module", autouse=True)
def of_all_tests():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONEML_SECRETS_DIR", "/secrets")
        yield

def test_leaves():
    os.environ["ONEML_SETTINGS__RETRIES"] = "3"
    os.environ["ONEML_SECRETS_DIR"] = "/other"

def test_sound(monkeypatch):
    assert "ONEML_SETTINGS__RETRIES" not in os.environ
    assert os.environ["ONEML_SECRETS_DIR"] == "/secrets"
    monkeypatch.setenv("ONEML_SETTINGS__RETRIES", "3")

def test_fails_for_another_reason():
    os.environ["ONEML_SETTINGS__RETRIES"] = "4"
    del os.environ["ONEML_SETTINGS__RETRIES"]
    assert False

def test_fails_and_leaves():
    os.environ["ONEML_SETTINGS__RETRIES"] = "5"
    assert False

def test_sound_after_it():
    assert "ONEML_SETTINGS__RETRIES" not in os.environ
"""
    )
    result.assert_outcomes(passed=3, failed=2, errors=2)
    result.stdout.fnmatch_lines(["*the variable ONEML_SECRETS_DIR.*", "*the variable ONEML_SETTINGS__RETRIES.*"])


def test_session_that_a_test_opens_by_hand_and_keeps_open_fails_it(suite: Suite) -> None:
    result = suite(
        """
kept = []

class Small(Shop.__base__):
    resource = providers.Resource(shop.connection)

def opened():
    components = Small.open()
    assert components.resource() == "open"
    return components

def test_keeps():
    kept.append(opened())

def test_lets_go():
    opened()
    with opened():
        pass
    kept[0].close()
"""
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*Session *, open with what it has to finalize: close it*"])


def test_what_a_test_that_fails_had_open_is_no_second_failure(suite: Suite) -> None:
    result = suite(
        """
class Small(Shop.__base__):
    resource = providers.Resource(shop.connection)

def test_fails():
    components = Small.open()
    assert components.resource() == "closed"
""",
        in_process=False,
    )
    result.assert_outcomes(failed=1)


def test_what_a_test_builds_in_a_container_of_a_wider_fixture_is_left_to_that_fixture(suite: Suite) -> None:
    result = suite(
        """
@pytest.fixture(scope="module")
def wide():
    with Shop.open() as components:
        yield components

def test_builds_first(wide):
    assert wide.resource() == "open"

def test_builds_again(wide, open_components):
    assert wide.resource() == open_components(Shop).resource() == "open"
"""
    )
    result.assert_outcomes(passed=2)


def test_what_failed_at_the_end_is_told_before_what_was_left(suite: Suite) -> None:
    result = suite(
        """
@pytest.fixture
def failing():
    yield
    raise KeyError("on its own")

def test_leaves(failing):
    Shop.client.override(providers.Object(1))
""",
        "-v",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*raise KeyError*", "*test_leaves left behind:", "*Shop.client *", "*- KeyError: *"])


def test_a_run_that_ends_while_a_test_ends_ends(suite: Suite) -> None:
    result = suite(
        """
@pytest.fixture
def ending():
    yield
    pytest.exit("enough", 7)

def test_leaves(ending):
    Shop.client.override(providers.Object(1))

def test_never(): ...
"""
    )
    assert result.ret == 7
    result.assert_outcomes(passed=1)
