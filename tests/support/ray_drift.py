"""Every kind of harmful change on Ray; run inside `loopback_only`, as `ray_suite` is.

Each kind has images of its own, by variables of their workers: one whose packages were changed before a worker started,
and one whose packages change when a worker is warm.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest

from drift_asking import Asking
from harbour_site import VARIABLES, Harbour, copied, installed, with_sessions
from harmful_kinds import KINDS, ON_DISK, REMEMBERED, Kind, check_load, check_refusal
from oneml.habitats.engines.ray_cluster import RayEngine
from oneml.habitats.ports.engine import EngineRun, NodeNeeds
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

REFUSED, SUCCEEDED = NodeState.REFUSED, NodeState.SUCCEEDED


class Quay(NamedTuple):
    """One Ray, for all tests."""

    asking: Asking
    run: EngineRun
    original: Harbour
    harbours: Mapping[str, Harbour]

    def ask(self, image: str, kind: Kind, node: str = "//load", **named: str) -> NodeOutcome:
        needs = NodeNeeds(image=image)
        return self.asking.ask(self.run, self.harbours[image], kind.variant, node, needs, **named)


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    original = with_sessions(installed(tmp_path_factory.mktemp("original")))
    folder = tmp_path_factory.mktemp("kinds")
    harbours: dict[str, Harbour] = {}
    images: dict[str, Mapping[str, object]] = {}
    for number, kind in enumerate(KINDS):
        changed = harbours[changed_image(kind)] = copied(original, folder / f"changed-{number}")
        kind.edit(changed)
        images[changed_image(kind)] = image_of(changed, {**VARIABLES[kind.variant], **kind.variables})
        warm = harbours[warm_image(kind)] = copied(original, folder / f"warm-{number}")
        images[warm_image(kind)] = image_of(warm, VARIABLES[kind.variant])
    asking = Asking()
    with RayEngine().open(asking.context(images=images)) as run:
        yield Quay(asking, run, original, harbours)


def image_of(harbour: Harbour, variables: Mapping[str, str]) -> Mapping[str, object]:
    names = ("HOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "QUAY_MARKS")
    return {"env_vars": {**{name: harbour.environment[name] for name in names}, **variables}}


def changed_image(kind: Kind) -> str:
    return f"changed-{KINDS.index(kind)}"


def warm_image(kind: Kind) -> str:
    return f"warm-{KINDS.index(kind)}"


def by_kind(kinds: "tuple[Kind, ...] | list[Kind]") -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name.replace(" ", "-"))


@by_kind(KINDS)
def test_worker_that_started_after_the_change_refuses_before_user_code_and_names_it(kind: Kind, quay: Quay) -> None:
    outcome = quay.ask(changed_image(kind), kind)
    assert quay.harbours[changed_image(kind)].marks == []
    check_refusal(kind, outcome)


@by_kind(ON_DISK)
def test_worker_that_was_warm_before_the_change_refuses_or_runs_what_was_proven(kind: Kind, quay: Quay) -> None:
    image = warm_image(kind)
    assert quay.ask(image, kind, "//wash", engine="threads").state is SUCCEEDED
    kind.edit(quay.harbours[image])
    anew = quay.ask(image, kind, engine="process")
    has_run = any("load" in mark.lower() for mark in quay.harbours[image].marks)
    open_already = quay.ask(image, kind, engine="threads")
    quay.harbours[image].restore(quay.original)
    restored = quay.ask(image, kind, engine="process")
    if kind.name == REMEMBERED and anew.state is not REFUSED:  # another worker of the image, which started now, refuses
        check_load(kind, anew)
    else:
        check_refusal(kind, anew)
        assert not has_run
    if open_already.state is REFUSED:
        check_refusal(kind, open_already)
    else:
        check_load(kind, open_already)
    check_load(kind, restored)
