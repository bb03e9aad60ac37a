"""Nodes on a Ray of our own. It listens on sockets, so tests/engines/test_ray.py runs this inside `loopback_only`."""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine_contexts import FakeSession, error_of, outcomes_of, states_of, task
from oneml.habitats.engines.ray_cluster import RayEngine
from oneml.habitats.ports.engine import EngineRun, NodeNeeds, NodeTask
from oneml.habitats.values.node_path import NodePath
from two_images import TwoImages

SECONDS = 40.0


def timed(path: str, seconds: float) -> NodeTask:
    return NodeTask(NodePath(path), seconds)


def alive() -> list[str]:
    """Name what descends from here; orphans come to the first process of the place, which nobody has reaped."""
    children = psutil.Process().children(recursive=True)
    return [child.name() for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> TwoImages:
    return TwoImages(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> FakeSession:
    return FakeSession(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def run(session: FakeSession) -> Iterator[EngineRun]:
    with RayEngine(address="local").open(session.context(workers=2, unschedulable_seconds=3)) as opened:
        yield opened
        began = time.monotonic()
    assert time.monotonic() - began < 20
    assert "RAY_AUTH_TOKEN_PATH" not in os.environ
    while alive() and time.monotonic() - began < 20:
        time.sleep(0.1)
    assert alive() == []


def test_it_listens_on_the_loopback_interface_alone_and_demands_a_token(run: EngineRun) -> None:
    assert states_of(run, [task("//a")]) == {"//a": "succeeded"}
    sockets = [one for one in psutil.net_connections("inet") if one.status == "LISTEN"]
    assert sockets
    assert {one.laddr.ip.removeprefix("::ffff:") for one in sockets} == {"127.0.0.1"}
    token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert stat.S_IMODE(token.parent.stat().st_mode) == 0o700
    assert os.environ["RAY_AUTH_MODE"] == "token"


def test_nothing_is_pickled_by_value(run: EngineRun) -> None:
    from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_list

    exported = [_internal_kv_get(key, namespace=b"fun") or b"" for key in _internal_kv_list(b"", namespace=b"fun")]
    assert exported
    for pickled in exported:
        assert len(pickled) < 400
        assert b"_make_function" not in pickled
        assert b"oneml.habitats.engines.ray_worker" in pickled


def test_replies_go_on_to_the_nodes_after_them(run: EngineRun, session: FakeSession) -> None:
    chain = [task("//c0"), *(task(f"//c{number}", f"//c{number - 1}") for number in range(1, 50))]
    gather = task("//g", *(f"//c{number}" for number in range(50)))
    assert set(states_of(run, [*chain, gather]).values()) == {"succeeded"}
    assert session.replies["//c7"]["upstream"] == ["//c6"]
    assert len(session.replies["//g"]["upstream"]) == 50  # type: ignore[arg-type]
    assert states_of(run, [task("//later", "//g")]) == {"//later": "succeeded"}
    assert session.replies["//later"]["upstream"] == ["//g"]


def test_workers_are_warm_and_load_once(run: EngineRun, session: FakeSession) -> None:
    states_of(run, [task(f"//w{number}") for number in range(20)])
    assert {session.replies[f"//w{number}"]["preloaded"] for number in range(20)} == {1}


def test_what_fails_is_told_and_what_waits_for_it_comes_back(run: EngineRun) -> None:
    came = outcomes_of(
        run,
        [
            task("//fail"),
            task("//after", "//fail"),
            task("//raise"),
            task("//exit"),
            task("//lost", "//exit", "//fine"),
            task("//far", "//lost"),
            task("//fine"),
            task("//set"),
        ],
    )
    states = {path: outcome.state.value for path, outcome in came.items()}
    assert states == {
        "//fail": "failed", "//after": "pending", "//raise": "failed", "//exit": "failed", "//lost": "pending",
        "//far": "pending", "//fine": "succeeded", "//set": "failed",
    }  # fmt: skip
    assert error_of(came["//fail"]) == "ValueError: bad" or "bad" in error_of(came["//fail"])
    assert "its worker process ended" in error_of(came["//exit"])
    assert states_of(run, [task("//again", "//exit")]) == {"//again": "pending"}


def test_a_node_that_is_tried_again_lets_others_go_on(run: EngineRun) -> None:
    assert states_of(run, [task("//raise_1"), task("//x", "//raise_1")]) == {"//raise_1": "failed", "//x": "pending"}
    assert states_of(run, [task("//raise_1"), task("//y")])["//y"] == "succeeded"


def test_quick_nodes_wait_behind_no_long_one_and_a_lost_worker_takes_none_with_it(run: EngineRun) -> None:
    quick = [f"//quick_{number}" for number in range(60)]
    run_before = states_of(run, [task("//warm_1"), task("//warm_2")])
    assert set(run_before.values()) == {"succeeded"}
    for path in [*quick[:30], "//sleep_3000", "//exit", *quick[30:]]:
        run.submit(task(path))
    run.submit(task("//after", "//sleep_3000"))
    order: list[str] = []
    states: dict[str, str] = {}
    while outcomes := run.wait(20):
        order.extend(outcome.path for outcome in outcomes)
        states.update({outcome.path: outcome.state.value for outcome in outcomes})
    assert {path for path, state in states.items() if state == "failed"} == {"//exit"}
    assert set(states) == {*quick, "//sleep_3000", "//exit", "//after"}
    assert order[-2:] == ["//sleep_3000", "//after"]


def test_lines_come_masked_and_those_of_long_nodes_while_they_run(run: EngineRun, session: FakeSession) -> None:
    session.lines.clear()
    run.submit(task("//live"))
    until = time.monotonic() + SECONDS
    while not session.lines and time.monotonic() < until:
        assert not run.wait(0.1)
    assert session.lines == [("//live", "at once")]
    session.lines.clear()
    outcomes_of(run, [task("//mute"), task("//print", "//mute"), task("//thread")])
    assert sorted(session.lines) == [
        ("//print", "hello ***"), ("//print", "no end"), ("//thread", "from a thread")
    ]  # fmt: skip


def test_a_flood_of_lines_is_capped(run: EngineRun, session: FakeSession) -> None:
    session.lines.clear()
    assert states_of(run, [task("//flood")]) == {"//flood": "succeeded"}
    assert 1000 < len(session.lines) < 1100
    assert session.lines[-1][1] == "... output beyond 1048576 bytes is dropped"


def test_a_node_that_hangs_is_ended_and_others_are_not(run: EngineRun) -> None:
    began = time.monotonic()
    came = outcomes_of(run, [timed("//sleep_60000", 1.0), timed("//quick", 30.0), task("//b", "//sleep_60000")])
    assert {path: outcome.state.value for path, outcome in came.items()} == {
        "//sleep_60000": "failed", "//quick": "succeeded", "//b": "pending"
    }  # fmt: skip
    assert "the node was ended after 1 s (timeout_seconds). Correct" in error_of(came["//sleep_60000"])
    assert time.monotonic() - began < 15


def test_what_no_machine_offers_fails_in_words(run: EngineRun) -> None:
    came = outcomes_of(
        run,
        [
            task("//tag", needs=NodeNeeds(tags=("nowhere",))),
            task("//wide", needs=NodeNeeds(cpus=64)),
            task("//image", needs=NodeNeeds(image="unknown")),
            task("//small", needs=NodeNeeds(cpus=0.5, memory_bytes=1 << 20)),
        ],
    )
    assert came["//small"].state.value == "succeeded"
    assert "tag-nowhere" in error_of(came["//tag"])
    assert "cpus=64 within 3 s" in error_of(came["//wide"])
    assert "1 machines offer: cpus=2" in error_of(came["//wide"])
    assert "image-unknown" in error_of(came["//image"])


@pytest.mark.usefixtures("run")
def test_two_virtual_environments_are_two_images(images: TwoImages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(images.pipelines))
    offered = {"alpha:1": {"py_executable": images.alpha.python}, "beta:1": {"py_executable": images.beta.python}}
    assert images.outcome("ray", images=offered) == (images.told(), "")
    began = time.monotonic()
    _, said = images.outcome("ray", {"//second": {"image": "gamma:1"}}, images=offered, unschedulable_seconds=1)
    assert said.startswith("failed: ")
    assert "no machine of the cluster offered cpus=1, image-gamma:1 within 1 s" in said
    assert time.monotonic() - began < 15
    _, said = images.outcome("ray", {"//second": {"image": "alpha:1"}}, images=offered)
    assert said.startswith("refused: ")
    assert "beta_pkg.places:Place" in said


def test_a_request_to_stop_brings_every_node_back(run: EngineRun) -> None:
    for number in range(4):
        run.submit(task(f"//sleep_6000{number}"))
    run.submit(task("//below", "//sleep_60001"))
    run.wait(0.5)
    run.cancel(now=True)
    assert set(states_of(run, []).values()) == {"cancelled"}
    assert states_of(run, [task("//goes-on")]) == {"//goes-on": "succeeded"}


def test_a_polite_request_ends_what_does_not_listen_after_a_while(run: EngineRun) -> None:
    began = time.monotonic()
    run.submit(task("//sleep_60009"))
    run.wait(0.5)
    run.cancel(now=False)
    assert set(states_of(run, []).values()) == {"cancelled"}
    assert time.monotonic() - began < 15


def test_a_ray_that_is_there_is_used_and_left_alone(run: EngineRun, session: FakeSession) -> None:
    import ray

    with RayEngine().open(session.context()) as second:
        assert states_of(second, [task("//second")]) == {"//second": "succeeded"}
    assert ray.is_initialized()
    assert states_of(run, [task("//first")]) == {"//first": "succeeded"}
