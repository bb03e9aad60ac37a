"""Nodes on Ray, with a Ray that does what the test says: which go together, and what becomes of what comes back."""

import threading
import time
from collections.abc import Sequence
from typing import Any, cast

import pytest

from engine_contexts import FakeSession, error_of, task
from fake_ray import QUICK, FakeRay, Place
from oneml.habitats.engines import ray_run
from oneml.habitats.engines.ray_bundle import Answer, pack_answers, replies_in, unpack_answers
from oneml.habitats.engines.ray_handover import HandOver
from oneml.habitats.engines.ray_images import Images
from oneml.habitats.engines.ray_options import RayOptions
from oneml.habitats.errors import EngineError, StoreError
from oneml.habitats.ports.engine import NodeNeeds, WorkerReply
from oneml.habitats.values.node_path import NodePath
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState


def many(count: int, *after: str, name: str = "//n") -> list[tuple[str, ...]]:
    return [(f"{name}{number}", *after) for number in range(count)]


def sizes(place: Place) -> list[int]:
    return [len(paths) for paths in place.handed()]


@pytest.mark.parametrize(
    ("count", "cpus", "expected"),
    [(3, 2, [1, 1, 1]), (12, 2, [3, 2, 1, 1, 1, 1, 1, 1, 1]), (8, 64, [1] * 8)],
)
def test_nodes_share_tasks_where_there_are_more_than_room(count: int, cpus: int, expected: list[int]) -> None:
    place = Place(cpus=cpus)
    place.submit(*many(count))
    assert sizes(place) == expected


def test_a_chain_goes_to_one_worker_piece_by_piece() -> None:
    place = Place()
    place.submit(("//n0",), *((f"//n{number}", f"//n{number - 1}") for number in range(1, 60)))
    assert sizes(place) == [48]
    assert set(place.finish().values()) == {"succeeded"}
    assert [one.paths[0] for one in place.ray.waiting] == ["//n48"]
    assert place.ray.waiting[0].upstream == (place.ray.given[0],)
    assert place.finish() == {f"//n{number}": "succeeded" for number in range(48, 60)}
    assert place.ray.waiting == []


def test_slow_nodes_get_tasks_of_their_own_and_quick_ones_larger_bundles() -> None:
    slow, quick = Place(cpus=1), Place(cpus=1)
    for place, seconds in ((slow, 30.0), (quick, QUICK)):
        place.submit(("//before",))
        place.handed()
        place.finish(seconds=seconds)
        place.submit(*many(300))
    assert set(sizes(slow)) == {1}
    assert max(sizes(quick)) == 64


def test_each_fan_out_has_a_pace_of_its_own_and_a_node_that_opened_a_session_sets_none() -> None:
    place = Place(cpus=1)
    place.submit(("//slow/0",), ("//opened/0",))
    place.handed()
    place.finish(seconds=30.0)
    place.finish(seconds=None)
    place.submit(*many(40, name="//opened/"))
    assert max(sizes(place)) == 20
    place.submit(*many(40, name="//slow/1"))
    assert {len(paths) for paths in place.handed() if paths[0].startswith("//slow")} == {1}


def test_what_a_worker_did_not_come_to_is_handed_over_again() -> None:
    place = Place()
    place.submit(*many(12))
    assert place.handed()[0] == ["//n0", "//n1", "//n2"]
    assert place.finish(1) == {"//n0": "succeeded"}
    assert place.handed()[-2:] == [["//n1"], ["//n2"]]


def test_what_waits_behind_a_long_node_goes_elsewhere_and_what_was_done_counts_at_once() -> None:
    place = Place()
    place.submit(("//a",), ("//b", "//a"), ("//c", "//b"), ("//d", "//c"), ("//beside", "//a", "//else"), ("//else",))
    assert place.handed() == [["//a"], ["//else"]]
    place.finish()
    place.finish()
    assert place.handed() == [["//b", "//c", "//d"], ["//beside"]]
    place.give_back(1)
    assert place.states() == {"//b": "succeeded"}
    assert place.handed() == [["//b", "//c", "//d"], ["//beside"]]
    long = place.ray.waiting[0]
    place.submit(("//later", "//b"))
    assert place.handed()[-1] == ["//later"]
    assert long not in place.ray.waiting[-1].upstream
    long.value = place.answers(long, long.request.items[:2], 5.0)
    assert place.states() == {"//c": "succeeded"}
    assert place.handed() == [["//beside"], ["//later"], ["//d"]]


def test_a_note_that_comes_after_the_end_changes_nothing() -> None:
    place = Place()
    place.submit(*many(12))
    place.handed()
    place.give_back(1)
    assert place.finish() == {"//n0": "succeeded", "//n1": "succeeded", "//n2": "succeeded"}
    assert len(place.handed()) == 8


def test_a_note_that_all_are_done_leaves_them_to_the_end_of_the_task() -> None:
    place = Place()
    place.submit(("//a",), ("//b", "//a"))
    place.handed()
    place.give_back(2)
    assert place.states() == {}
    assert place.finish() == {"//a": "succeeded", "//b": "succeeded"}


def test_nodes_are_not_handed_what_a_lost_worker_would_have_given() -> None:
    place = Place()
    place.submit(("//a",))
    place.handed()
    assert list(place.lose()) == ["//a"]
    place.submit(("//a",), ("//b", "//a"))
    place.handed()
    place.session.committed[NodePath("//a")] = NodeOutcome(NodePath("//a"), NodeState.SUCCEEDED, 1)
    assert place.lose()["//a"].state is NodeState.SUCCEEDED
    assert place.handed() == [["//b"]]
    assert place.ray.waiting[0].upstream == ()


def test_ray_holds_the_replies_that_are_in_no_store_and_of_the_others_the_last_ones() -> None:
    ray = FakeRay()
    handing = HandOver(cast("Any", ray), FakeSession().context(), RayOptions(), "c")
    paths = [NodePath(f"//n{number}") for number in range(1500)]
    for path in paths:
        handing.keep(path, cast("Any", path))
    handing.stored([NodePath("//adopted"), *paths[:600]])
    handing.bundle([task("//later", *paths)])
    assert ray.given[0].upstream == tuple(paths[500:])


def test_a_node_is_told_of_those_whose_replies_are_kept_and_of_those_it_goes_with() -> None:
    """What is given for another node may hold an answer of one that was tried again since, and is in the store."""
    ray = FakeRay()
    handing = HandOver(cast("Any", ray), FakeSession().context(), RayOptions(), "c")
    handing.keep(NodePath("//kept"), cast("Any", "a bundle"))
    handing.bundle([task("//with"), task("//later", "//kept", "//in-store", "//with")])
    assert ray.given[0].upstream == ("a bundle",)
    assert [item.after for item in ray.given[0].request.items] == [(), ("//kept", "//with")]


def test_an_image_that_ray_cannot_set_up_is_an_error_of_the_engine() -> None:
    class Refusing(FakeRay):
        def remote(self, **_options: object) -> Any:
            raise ValueError("/nowhere is not a valid path")

    images = Images(cast("Any", Refusing()), {"a": {"working_dir": "/nowhere"}}, 1.0)
    images.want(None)
    with pytest.raises(EngineError, match=r'image "a" \(runtime_env with working_dir\) is of no use: ValueError'):
        images.want("a")


def test_of_a_node_that_was_tried_again_the_latest_reply_goes_on() -> None:
    first, second = (
        pack_answers([Answer(number, "//a", None, 0, reply, b"")]) for number, reply in ((1, b"1"), (2, b"2"))
    )
    assert replies_in([second, first]) == {"//a": b"2"}


def test_nodes_whose_worker_is_lost_run_again_each_by_itself_and_only_the_one_that_ends_it_fails() -> None:
    place = Place()
    place.submit(("//a",), ("//b", "//a"), ("//c", "//b"))
    assert place.handed() == [["//a", "//b", "//c"]]
    assert place.lose() == {}
    assert place.handed() == [["//a"]]
    place.finish()
    assert place.handed() == [["//b"]]
    came = place.lose()
    assert {path: one.state.value for path, one in came.items()} == {"//b": "failed", "//c": "pending"}
    assert "its worker process ended" in error_of(came["//b"])


def test_a_node_that_committed_before_its_worker_was_lost_is_adopted() -> None:
    place = Place()
    place.submit(("//a",), ("//b", "//a"))
    place.handed()
    place.session.committed[NodePath("//a")] = NodeOutcome(NodePath("//a"), NodeState.SUCCEEDED, 1)
    assert {path: one.state.value for path, one in place.lose().items()} == {"//a": "succeeded"}
    assert place.handed() == [["//b"]]


def test_the_node_at_work_when_others_were_given_back_is_the_one_that_ended_its_worker() -> None:
    place = Place()
    place.submit(("//a",), ("//b", "//a"), ("//c", "//b"))
    place.handed()
    place.give_back(1)
    assert place.states() == {"//a": "succeeded"}
    assert {path: one.state.value for path, one in place.lose().items()} == {"//b": "failed", "//c": "pending"}


def test_a_node_that_fails_brings_back_those_below_it_and_the_others_go_on() -> None:
    place = Place(cpus=1)
    place.submit(("//fail",), ("//b", "//fail"), *many(4), ("//far", "//b", "//n0"))
    assert place.handed()[0] == ["//fail", "//b", "//n0"]
    given = place.ray.waiting[0]
    told = place.answers(given, [given.request.items[0], given.request.items[2]], QUICK)
    given.value = told
    assert place.states() == {"//fail": "failed", "//b": "pending", "//far": "pending", "//n0": "succeeded"}


@pytest.mark.parametrize("way", ["timeout", "isolated", "needs"])
def test_some_nodes_have_a_worker_to_themselves(way: str) -> None:
    place = Place(cpus=1, isolated=way == "isolated")
    nodes = many(8)
    if way == "timeout":
        for path, *_ in nodes:
            place.run.submit(task(path)._replace(timeout_seconds=5.0))
    elif way == "needs":
        for number, (path, *_) in enumerate(nodes):
            place.submit((path,), needs=NodeNeeds(cpus=1 + number % 2))
    else:
        place.submit(*nodes)
    assert sizes(place) == [1] * 8


def test_a_session_that_may_use_a_part_of_a_cluster_has_so_many_bundles_there() -> None:
    place = Place(cpus=64, limit=2)
    place.submit(*many(20))
    assert sizes(place) == [5, 3]
    place.finish()
    assert sizes(place) == [3, 3]


def test_a_head_that_is_lost_keeps_no_reply_back_whose_output_it_was_to_pass_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_run, "_PARTS_SECONDS", 60.0)
    place = Place()
    place.submit(*many(2))
    place.handed()
    place.watch.reason = "gone"
    for given in place.ray.waiting:
        (answer,) = unpack_answers(place.answers(given, given.request.items, QUICK))
        given.value = pack_answers([answer._replace(parts=3)])
    began = time.monotonic()
    assert place.states() == {"//n0": "succeeded", "//n1": "succeeded"}
    assert time.monotonic() - began < 10


def test_a_store_that_fails_while_others_run_ends_the_session() -> None:
    def take(_replies: object) -> Sequence[NodeOutcome]:
        raise StoreError(place="s", reason="the disk is full", remedy="")

    place = Place(take=take)
    place.submit(*many(3))
    place.handed()
    with pytest.raises(StoreError, match="the disk is full"):
        place.finish()
    place.run.close()


def test_what_has_come_is_committed_when_the_cluster_is_lost_while_others_are() -> None:
    session, slow = FakeSession(), threading.Event()

    def take(replies: Sequence[WorkerReply]) -> Sequence[NodeOutcome]:
        slow.wait()
        return session.take(replies)

    place = Place(take=take)
    place.submit(*many(4))
    place.handed()
    for given in place.ray.waiting[:2]:
        given.value = place.answers(given, given.request.items, QUICK)
        assert place.run.wait(0) == []
    place.watch.reason = "gone"
    with pytest.raises(EngineError, match="the cluster is lost, and with it 2 nodes"):
        place.run.wait(60)
    slow.set()
    place.run.close()
    assert session.replies.keys() == {"//n0", "//n1"}


def test_a_stop_asks_each_bundle_once_and_brings_everything_back() -> None:
    place = Place(cpus=1, limit=1)
    place.submit(*many(8))
    assert sizes(place) == [4]
    place.run.cancel(now=False)
    assert place.ray.given[0].forced == [False]
    assert place.finish(1) == {
        "//n0": "succeeded", **{f"//n{number}": "cancelled" for number in range(1, 8)}
    }  # fmt: skip
    assert place.ray.waiting == []


def test_a_bundle_is_told_of_each_node_what_waits_for_what() -> None:
    place = Place()
    place.submit(("//a",), ("//b", "//a"))
    place.handed()
    request = place.ray.given[0].request
    assert [(item.path, item.after) for item in request.items] == [("//a", ()), ("//b", ("//a",))]
    assert (request.entry, request.channel) == ("fake_node_entries:run", "c")
