"""What the test kit promises, tried on the engine that the variable KIT_ENGINE tells; `kit_place` runs it.

Pytest is started with variables and beside settings files that no session of a test may see. The tests whose names
begin with `test_leaves` have to fail at their ends.
"""

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest
from dependency_injector import providers

from kit_shop import Client, Shop, Window
from oneml.habitats import PipelineNodeSettings, PipelineServiceClient, PipelineSessionSettings, Reference, replace
from oneml.habitats.errors import InvalidOverrideError, InvalidPipelineError, SettingsError
from oneml.habitats.habitats.overrides import Override
from oneml.habitats.sessions.session import PipelineSession
from oneml.habitats.testing import NewSession, OpenComponents

Given = Mapping[str, Any]
FRESH: Given = json.loads(os.environ.get("KIT_ENGINE", "{}"))
"""Settings of a session that starts its workers itself, where its engine does; workers import this file without."""

LEAVES = FRESH.get("engine") != "in-process"
REAL, FAKE = "2 2 2 EUR", "20 20 20 EUR"
started: list[threading.Thread] = []


class Fake(Client):
    def read(self) -> int:
        return 10

    def it(self) -> Client:
        return self


class Counting(Client):
    def __init__(self, start: int) -> None:
        self.number = start

    def read(self) -> int:
        self.number += 1
        return self.number


class Empty(Client):
    def read(self) -> int:
        message = "no stock is left"
        raise ConnectionError(message)


class Closed(Client):
    def __init__(self) -> None:
        message = "the shop is closed"
        raise PermissionError(message)


class Hanging(Client):
    def read(self) -> int:
        time.sleep(60)
        return 1


class Slow(Client):
    def read(self) -> int:
        for _ in range(20):
            threading.Event().wait(0.05)
        return 1


def fake() -> Client:
    return Fake()


@contextmanager
def dask() -> Iterator[Given]:
    from distributed import LocalCluster

    options = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, scheduler_kwargs=options
    ) as cluster:
        yield {"engines": {"dask": {"address": cluster.scheduler_address}}}


@contextmanager
def ray() -> Iterator[Given]:
    import ray as library

    library.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    yield {}
    library.shutdown()


STANDING: Mapping[str, Any] = {"dask": dask, "ray": ray}


@pytest.fixture(scope="module")
def engine() -> Iterator[Given]:
    """Settings of sessions that share warm workers, where a cluster can stand before them."""
    standing: AbstractContextManager[Given] = STANDING.get(FRESH["engine"], lambda: nullcontext({}))()
    with standing as more:
        yield {**FRESH, **more}


def text_of(session: PipelineSession) -> str:
    assert session.run().succeeded, session.outcome("//read")
    return session.output("//scale", "text", form=str)


def test_what_the_test_sets_reaches_a_node_and_nothing_that_was_set_outside(
    new_session: NewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_BONUS", "5")
    own = {name: os.environ[name] for name in ("ONEML_STORE_URL", "ONEML_CONFIG_DIR")}
    session = new_session(Window, settings=FRESH)
    assert session.run().succeeded, session.outcome("//look")
    seen = session.output("//look", form=dict[str, str])
    assert (seen.pop("factor"), seen.pop("bonus"), seen.pop("SHOP_BONUS", "5")) == ("2", "5", "5")
    for name, told in {"ONEML_HABITATS_PIPELINE": "window", "ONEML_PIPELINE_SESSION_ID": session.session_id}.items():
        assert seen.pop(name, told) == told
    assert seen == own
    assert session.open().settings.session.retries == 0


def test_every_scope_of_a_worker_has_what_the_test_put_there_and_nothing_of_another_session(
    new_session: NewSession, engine: Given
) -> None:
    told: list[tuple[tuple[Override, ...], str]] = [
        ((), REAL),
        ((replace(Shop.client, factory=Fake),), FAKE),
        ((replace(Shop.client, factory=fake), replace(Shop.currency, "USD")), "20 20 20 USD"),
        ((replace(Shop.client, provider=Reference(Client, f"{__name__}:Counting", start=3)),), "8 8 8 EUR"),
        ((), REAL),
    ]
    for overrides, text in told:
        session = new_session(Shop, *overrides, settings=engine)
        here = new_session(Shop, *overrides, engine="in-process")
        assert (text_of(session), text_of(here)) == (text, text)
        stored, stored_here = (one.ports("//scale")["text"]._replace(inline=None) for one in (session, here))
        assert stored == stored_here
        assert (session.output("//scale", "process", form=int) != os.getpid()) == LEAVES


def test_settings_of_session_and_node_are_what_the_body_gets(new_session: NewSession, engine: Given) -> None:
    session = new_session(Shop, settings={**engine, "factor": 3})
    assert text_of(session) == "3 3 3 EUR"
    nodes = {"//scale": PipelineNodeSettings(fields={"factor": 4})}
    of_node = PipelineSessionSettings(**engine, fields={"factor": 3}, nodes=nodes)
    assert text_of(new_session(Shop, replace(Shop.client, factory=Fake), settings=of_node)) == "40 40 40 EUR"


def test_overrides_are_checked_first_and_all_made_or_none(
    new_session: NewSession, engine: Given, service_client: PipelineServiceClient
) -> None:
    fit = replace(Shop.client, factory=Fake)
    wrong: list[Any] = [fit, replace(Shop.by_process, factory=Fake), replace(Shop.currency, 3)]
    with pytest.raises(InvalidOverrideError) as caught:
        new_session(Shop, *wrong, settings=engine)
    reasons = caught.value.reasons
    assert [reason.partition(",")[0] for reason in reasons] == ['"by_process" gives Holder', '"currency" gives str']
    with pytest.raises(InvalidOverrideError, match=r"is none of Shop's\. Known: .*by_node"):
        new_session(Shop, fit, replace(Window.look, factory=Fake), settings=engine)
    with pytest.raises(SettingsError, match=r'"facto".*Did you mean "factor"'):
        new_session(Shop, fit, settings={**engine, "facto": 3})
    assert list(service_client.list_sessions()) == []
    assert text_of(new_session(Shop, settings=engine)) == REAL


def test_what_cannot_travel_is_refused_with_the_way_out(
    new_session: NewSession, engine: Given, service_client: PipelineServiceClient
) -> None:
    class Local(Fake): ...

    live: list[tuple[Override, str]] = [
        (replace(Shop.client, Fake()), "a live Fake"),
        (replace(Shop.client, factory=lambda: Fake().it()), "a live Factory"),
        (replace(Shop.client, factory=Local), "a live Factory"),
        (replace(Shop.client, provider=providers.Factory(Fake)), "a live Factory"),
        (replace(Shop.client, provider=Reference(Client, f"{__name__}:Counting", start=Fake())), "a live Reference"),
    ]
    for override, _ in live[:4]:
        assert text_of(new_session(Shop, override, engine="in-process")) == FAKE
    created = len(list(service_client.list_sessions()))
    for override, told in live if LEAVES else ():
        way_out = (
            rf'"client" is replaced by {told}, which a worker cannot rebuild\. Use replace\(\.\.\., factory=Class\)'
        )
        with pytest.raises(InvalidPipelineError, match=way_out):
            new_session(Shop, override, settings=engine)
    assert len(list(service_client.list_sessions())) == created


def test_what_fails_is_told_with_the_line_of_the_test_and_no_line_of_ours(
    new_session: NewSession, engine: Given
) -> None:
    for made, line, message in (
        (Empty, "raise ConnectionError(message)", "ConnectionError: no stock is left"),
        (Closed, "raise PermissionError(message)", "PermissionError: the shop is closed"),
    ):
        session = new_session(Shop, replace(Shop.client, factory=made), settings=engine)
        result = session.run()
        assert not result.succeeded
        assert f"//read: {message}" in repr(result)
        outcome = session.outcome("//read")
        assert outcome is not None
        assert outcome.error is not None
        assert outcome.error.summary() == message
        assert line in outcome.error.traceback
        assert "kit_suite.py" in outcome.error.traceback
        assert "oneml/habitats" not in outcome.error.traceback
    assert text_of(new_session(Shop, settings=engine)) == REAL


def test_a_fake_that_nobody_can_import_is_told_by_name(new_session: NewSession, engine: Given) -> None:
    override = replace(Shop.client, provider=Reference(Client, "kit_nowhere:Fake"))
    if LEAVES:
        with pytest.raises(InvalidPipelineError, match=r"kit_nowhere:Fake is not installed here.* Install it"):
            new_session(Shop, override, settings=engine)
    else:
        session = new_session(Shop, override, settings=engine)
        assert not session.run().succeeded
        assert "kit_nowhere:Fake" in session.node_rows()["//read"].detail


def test_an_override_of_the_library_is_refused_wherever_nodes_run(
    new_session: NewSession, open_components: OpenComponents, engine: Given
) -> None:
    with Shop.client.override(providers.Object(Fake())), pytest.raises(Exception, match="client") as caught:
        new_session(Shop, settings=engine)
    assert "replace(Shop.client, ...)" in str(caught.value)
    assert text_of(new_session(Shop, settings=engine)) == REAL


def test_leaves_an_override(new_session: NewSession, engine: Given) -> None:
    assert text_of(new_session(Shop, settings=engine)) == REAL
    Shop.client.override(providers.Object(Fake()))


def test_is_sound_after_an_override(new_session: NewSession, engine: Given) -> None:
    assert text_of(new_session(Shop, settings=engine)) == REAL


def test_leaves_a_session_running(new_session: NewSession, engine: Given) -> None:
    session = new_session(Shop, replace(Shop.client, factory=Slow), settings=engine)
    thread = threading.Thread(target=session.run)
    thread.start()
    while thread.is_alive() and not session.is_running:
        thread.join(0.01)
    started.append(thread)


def test_is_sound_after_a_session(new_session: NewSession, engine: Given) -> None:
    started[0].join(10)
    assert not started[0].is_alive()
    assert text_of(new_session(Shop, settings=engine)) == REAL
