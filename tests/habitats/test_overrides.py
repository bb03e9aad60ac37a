import operator
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import pytest
from dependency_injector import containers, providers

from oneml.habitats.errors import (
    InvalidComponentsError,
    InvalidOverrideError,
    OverrideInForceError,
    OverrideRefusedError,
)
from oneml.habitats.habitats.components import VARIANTS_MAX, PipelineComponents
from oneml.habitats.habitats.overrides import Override, override_from_json, replace
from oneml.habitats.habitats.providers import NodeSingleton, ProcessSingleton, Reference
from oneml.habitats.habitats.settings_views import Settings
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.json_value import canonical_json, json_object

Opener = Callable[..., Any]


class Client:
    """What is replaced."""

    def __init__(self, name: str = "real") -> None:
        self.name = name

    def read(self) -> str:
        return self.name


class FakeClient(Client):
    """A fake of the same type."""


class Reads(Protocol):
    """What any client can do."""

    def read(self) -> str: ...


class Structural:
    """A fake that shares nothing but its methods."""

    def read(self) -> str:
        return "structural"


class Holder:
    """Holds a client."""

    def __init__(self, client: Any) -> None:
        self.client = client


def number() -> int:
    return 1


def choose(left: int, right: int) -> int:
    return max(left, right)


class Chooses:
    """Can be called as `choose` can."""

    def __call__(self, left: int, right: int) -> int:
        return left


def greet(name: str) -> Client:
    return Client(name)


def opened_client() -> Iterator[Client]:
    yield Client()


async def awaited_client() -> Client:
    return Client()


def several() -> "list[int] | None":
    return None


class Nested(containers.DeclarativeContainer):
    """A stock container."""

    client = providers.Singleton(Client)


class Shop(PipelineComponents):
    settings = Settings(PipelineSettings)
    client = ProcessSingleton(Client)
    holder = ProcessSingleton(Holder, client)
    unrelated = ProcessSingleton(Client)
    session = providers.Singleton(Holder, holder)
    amount = providers.Callable(number)
    maybe = providers.Callable(several)
    nested = providers.Container(Nested)
    user = providers.Factory(Holder, nested.client)
    structural: "providers.Provider[Reads]" = providers.Factory(Client)
    add = providers.Object(operator.add)
    choose = providers.Object(choose)
    opened = providers.Resource(opened_client)
    yields = providers.Factory(opened_client)
    awaits = providers.Factory(awaited_client)


class Branch(Shop):
    """Inherits everything."""


def test_an_object_stands_for_a_provider_in_its_session_alone(opened: Opener) -> None:
    fake = FakeClient("fake")
    shop, other = opened(Shop, replace(Shop.client, fake)), opened(Shop)
    assert shop.client() is shop.holder().client is shop.session().client.client is fake
    assert other.client().read() == other.holder().client.read() == "real"


def test_objects_of_the_process_that_reach_a_replacement_belong_to_the_session(opened: Opener) -> None:
    fake = FakeClient()
    one, other = opened(Shop, replace(Shop.client, fake)), opened(Shop, replace(Shop.client, fake))
    assert one.holder() is one.holder()
    assert one.holder() is not other.holder()
    assert one.unrelated() is other.unrelated() is opened(Shop).unrelated()


def test_a_provider_stands_for_a_provider(opened: Opener) -> None:
    shop = opened(Shop, replace(Shop.client, provider=providers.Factory(FakeClient, "made")))
    assert shop.client() is not shop.client()
    assert shop.client().read() == "made"


def test_a_replacement_may_read_settings_and_be_an_object_of_the_class(opened: Opener) -> None:
    shop = opened(Shop, replace(Shop.client, provider=providers.Factory(Client, Shop.settings.session.engine)))
    assert shop.holder().client.read() == shop.settings.session.engine


def test_providers_inside_nested_containers_are_replaced_by_their_dotted_name(opened: Opener) -> None:
    fake = FakeClient()
    shop = opened(Shop, replace(Shop.nested.client, fake))
    assert shop.user().client is shop.nested.client() is fake
    assert [override.name for override in shop.overrides] == ["nested.client"]


def test_inherited_providers_are_replaced_through_either_class(opened: Opener) -> None:
    fake = FakeClient()
    for target in (Shop.client, Branch.client):
        assert opened(Branch, replace(target, fake)).holder().client is fake


def test_eight_threads_with_an_override_each_see_no_other(opened: Opener) -> None:
    together = threading.Barrier(8)

    def run(number: int) -> bool:
        fake = FakeClient(str(number))
        shop = opened(Shop, replace(Shop.client, fake))
        together.wait(10)
        return all(shop.holder().client is fake and shop.session().client.client is fake for _ in range(100))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(8)))


WRONG: list[tuple[Callable[[], list[Override]], str]] = [
    (lambda: [replace(Shop.client, 3)], '"client" gives Client, and is replaced by an int'),
    (lambda: [replace(Shop.client, None)], '"client" gives Client, and is replaced by None'),
    (lambda: [replace(Shop.client, FakeClient)], "by the class FakeClient. Give an object of it, or factory=Fake"),
    (lambda: [replace(Shop.amount, "three")], '"amount" gives int, and is replaced by a str'),
    (lambda: [replace(Shop.maybe, 3)], '"maybe" gives .*list.*, and is replaced by an int'),
    (lambda: [replace(Shop.structural, object())], '"structural" gives Reads, and is replaced by an object'),
    (
        lambda: [replace(Shop.client, provider=providers.Factory(Holder))],
        '"client" gives Client, and is replaced by a provider of Holder',
    ),
    (lambda: [replace(Shop.client, provider=Shop.client)], '"client" would stand for itself'),
    (lambda: [replace(Shop.client, Client()), replace(Shop.client, Client())], '"client" is replaced twice'),
    (
        lambda: [replace(Nested.client, Client())],
        r"The provider of Client that is replaced is none of Shop's\. Known: .*nested\.client.* replace\(Shop\.name",
    ),
    (lambda: [replace(Shop.choose, 3)], '"choose" gives the function choose, and is replaced by an int'),
    (
        lambda: [replace(Shop.choose, number)],
        r'"choose" gives the function choose\(left, right\), and is replaced by what cannot be called so: got an unexp',
    ),
    (lambda: [replace(Shop.nested, Nested())], '"nested" is a Container, which cannot be replaced'),
]


@pytest.mark.parametrize(("overrides", "reason"), WRONG)
def test_what_does_not_fit_is_refused(opened: Opener, overrides: Callable[[], list[Override]], reason: str) -> None:
    with pytest.raises(InvalidOverrideError, match=reason):
        opened(Shop, *overrides())


def test_all_or_none_are_made_and_all_that_is_wrong_is_said_at_once(opened: Opener) -> None:
    overrides = [replace(Shop.unrelated, FakeClient()), replace(Shop.client, 3), replace(Shop.amount, "x")]
    with pytest.raises(InvalidOverrideError) as caught:
        opened(Shop, *overrides)
    assert len(caught.value.reasons) == 2
    assert type(opened(Shop).unrelated()) is Client


RIGHT: list[Callable[[], Override]] = [
    lambda: replace(Shop.structural, Structural()),
    lambda: replace(Shop.structural, provider=providers.Factory(Structural)),
    lambda: replace(Shop.choose, lambda left, right, more=1: left + right + more),
    lambda: replace(Shop.choose, lambda one, other: one),
    lambda: replace(Shop.choose, Chooses()),
    lambda: replace(Shop.choose, provider=providers.Factory(Chooses)),
    lambda: replace(Shop.choose, factory=Chooses),
    lambda: replace(Shop.maybe, factory=several),
    lambda: replace(Shop.opened, factory=FakeClient),
    lambda: replace(Shop.opened, provider=providers.Resource(opened_client)),
    lambda: replace(Shop.yields, factory=opened_client),
    lambda: replace(Shop.awaits, factory=awaited_client),
    lambda: replace(Shop.add, max),
    lambda: replace(Shop.maybe, None),
    lambda: replace(Shop.maybe, [1]),
    lambda: replace(Shop.amount, provider=providers.Callable(several)),
    lambda: replace(Shop.client, provider=Reference(Client, "tests_that_do_not_exist:Nothing")),
]


@pytest.mark.parametrize("override", RIGHT)
def test_what_fits_or_cannot_be_judged_passes(opened: Opener, override: Callable[[], Override]) -> None:
    assert opened(Shop, override()).overrides


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: replace(Client(), Client()), "is no provider of a class"),
        (lambda: replace(Shop.client), "either a value, or provider=, or factory="),
        (lambda: replace(Shop.client, Client(), provider=Shop.unrelated), "either a value, or provider=, or factory="),
        (lambda: replace(Shop.client, Client(), factory=FakeClient), "either a value, or provider=, or factory="),
        (lambda: replace(Shop.client, factory=Shop.unrelated), "takes a class or a function, not <"),
        (lambda: replace(Shop.client, factory=3), "factory= takes a class or a function, not 3"),
        (lambda: replace(Shop.client, factory=Holder), "without arguments: Holder: missing .* Give provider="),
        (lambda: replace(Shop.client, factory=greet), "without arguments: greet: missing a required argument: 'name'"),
        (lambda: replace(Shop.client, factory=opened_client), "is a generator. Give provider=providers.Resource"),
        (lambda: replace(Shop.opened, factory=opened_client), "is a generator. Give provider=providers.Resource"),
        (lambda: replace(Shop.client, factory=awaited_client), "awaited_client would return a coroutine"),
        (lambda: replace(Shop.settings, 3), r"A setting is not replaced: give its value as one of settings=\{...\}"),
        (lambda: replace(Shop.settings.session.engine, "dask"), "A setting is not replaced"),
        (lambda: replace(Shop.client, Shop.unrelated), "Give it as provider="),
        (lambda: replace(Shop.client, provider=Client()), "Give it as the value"),
    ],
)
def test_a_senseless_override_is_refused_when_it_is_made(make: Callable[[], Override], reason: str) -> None:
    with pytest.raises(InvalidOverrideError, match=reason):
        make()


def test_a_replacement_that_makes_another_object_captive_is_refused(opened: Opener) -> None:
    with pytest.raises(InvalidComponentsError, match=r"Shop\.holder \(session\) holds client\[repl.*\] \(node\)"):
        opened(Shop, replace(Shop.client, provider=NodeSingleton(FakeClient)))


def test_the_stock_override_in_force_is_refused_by_name_and_forgotten_when_undone(opened: Opener) -> None:
    with (
        Shop.client.override(providers.Object(1)),
        Shop.nested.client.override(2),
        pytest.raises(OverrideInForceError, match=r'"client", "nested\.client" .*Shop\.client\.reset_override\(\)'),
    ):
        opened(Shop)
    assert opened(Shop).client().read() == "real"


def test_the_stock_override_of_a_whole_container_is_refused(opened: Opener) -> None:
    class Other(PipelineComponents):
        client = providers.Object(4)

    Shop.override(Other)
    try:
        with pytest.raises(OverrideInForceError):
            opened(Shop)
    finally:
        Shop.client.reset_last_overriding()


def test_a_provider_that_is_put_into_the_class_later_is_seen(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(Branch)
    monkeypatch.setattr(Branch, "unrelated", providers.Object(5))
    assert opened(Branch).unrelated() == 5


def test_what_is_put_into_a_base_or_a_derived_class_and_taken_back_is_seen_in_both(opened: Opener) -> None:
    class Derived(Shop):
        """Inherits everything."""

    for target in (Shop, Derived):
        opened(Derived)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(target, "client", providers.Factory(FakeClient, "put"))
            assert (
                opened(Derived).client().read() == opened(Derived, replace(Derived.unrelated, Client())).client().read()
            )
            assert opened(Derived).client().read() == "put"
            assert opened(Shop).client().read() == ("put" if target is Shop else "real")
        assert opened(Derived).client().read() == opened(Derived).holder().client.read() == "real"
        assert opened(Shop).client().read() == "real"
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(Shop, "user")
        assert not hasattr(opened(Derived), "user")
    assert opened(Derived).user().client.read() == "real"


def test_blueprints_of_replacements_are_shared_and_bounded(opened: Opener) -> None:
    one, other = opened(Shop, replace(Shop.client, Client())), opened(Shop, replace(Shop.client, Client()))
    assert one.opened_blueprint is other.opened_blueprint is not opened(Shop).opened_blueprint
    for _ in range(VARIANTS_MAX + 3):
        opened(Shop, replace(Shop.client, provider=providers.Factory(FakeClient)))
    assert Shop._compiled is not None
    assert len(Shop._compiled.variants) == VARIANTS_MAX


@pytest.mark.parametrize("value", [3, "text", None, {"a": [1, 2.5, True]}])
def test_plain_json_is_not_live_and_comes_back_in_another_process(value: Any) -> None:
    override = replace(Shop.client, value)
    described = json_object(canonical_json(override.describe()), what="override", limit_bytes=1000)
    assert not override.live
    assert override_from_json(Shop, "client", described).value == value


def test_a_reference_is_rebuilt_in_another_process(opened: Opener) -> None:
    override = replace(Shop.client, provider=Reference(Client, f"{__name__}:FakeClient", name="rebuilt"))
    assert override.describe() == {
        "reference": f"{__name__}:FakeClient",
        "contract": f"{__name__}:Client",
        "arguments": {"name": "rebuilt"},
    }
    described = json_object(canonical_json(override.describe()), what="override", limit_bytes=1000)
    again = override_from_json(Shop, "client", described)
    assert again.describe() == override.describe()
    assert opened(Shop, again).client().read() == "rebuilt"


def fake_client() -> FakeClient:
    return FakeClient("made")


def unannotated():  # type: ignore[no-untyped-def]  # noqa: ANN201  # as quick fakes are written
    return FakeClient("quick")


@pytest.mark.parametrize(
    ("factory", "contract", "name"),
    [(FakeClient, "FakeClient", "real"), (fake_client, "FakeClient", "made"), (unannotated, "Client", "quick")],
)
def test_a_factory_that_can_be_imported_is_rebuilt_in_another_process(
    opened: Opener, factory: Any, contract: str, name: str
) -> None:
    override = replace(Shop.client, factory=factory)
    target = f"{__name__}:{factory.__qualname__}"
    assert override.describe() == {"reference": target, "contract": f"{__name__}:{contract}", "arguments": {}}
    assert opened(Shop, override).holder().client.read() == name


def test_any_other_factory_stays_in_this_process_and_what_a_class_gives_is_checked(opened: Opener) -> None:
    override = replace(Shop.client, factory=lambda: FakeClient("here"))
    assert override.live
    assert opened(Shop, override).client().read() == "here"
    with pytest.raises(InvalidOverrideError, match='"client" gives Client, and is replaced by a provider of Chooses'):
        opened(Shop, replace(Shop.client, factory=Chooses))


class Text(str):
    """A text that JSON would not bring back."""


@pytest.mark.parametrize(
    "override",
    [
        replace(Shop.client, FakeClient()),
        replace(Shop.client, Text("x")),
        replace(Shop.client, {"a": {1}}),
        replace(Shop.client, float("nan")),
        replace(Shop.client, provider=providers.Factory(FakeClient)),
        replace(Shop.client, provider=Reference(Client, "m:N", name=Client())),
        replace(Shop.client, provider=Reference(Client, "m:N", name=Shop.amount)),
        replace(Shop.client, provider=Reference(Callable[[], str], "m:N")),
        replace(Shop.client, provider=Reference(type("Local", (), {}), "m:N")),
    ],
)
def test_everything_else_is_live(override: Override) -> None:
    assert override.live
    assert override.describe() is None


def test_a_live_override_tells_what_it_is() -> None:
    assert replace(Shop.client, FakeClient()).value_type == "FakeClient"
    assert replace(Shop.client, provider=providers.Factory(FakeClient)).value_type == "Factory"


def described_as(contract: str) -> Mapping[str, object]:
    return {"reference": "a:b", "contract": contract, "arguments": {}}


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        ({"pickle": "x"}, "which is unknown"),
        (described_as("no_such_module:X"), "no_such_module:X cannot be imported: ModuleNotFoundError: No module"),
        (described_as(f"{__name__}:Gone"), "Gone cannot be imported: AttributeError: "),
        (described_as("raises_when_imported:X"), "cannot be imported: KeyError: 'no such variable'"),
    ],
)
def test_what_cannot_be_rebuilt_is_refused(
    described: Any, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raises_when_imported.py").write_text("raise KeyError('no such variable')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        OverrideRefusedError, match=f'What replaces "client" of Shop cannot be rebuilt here: .*{reason}'
    ):
        override_from_json(Shop, "client", described)
