"""Overrides on workers that go on living: one cluster runs sessions with and without them."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneml.habitats import Reference, replace
from oneml.habitats.engines.dask_cluster import DaskEngine
from oneml.habitats.testing import NewSession

distributed = pytest.importorskip("distributed")

CASHIER = """
import os

from dependency_injector import providers
from oneml.habitats import PipelineBuilder, PipelineComponents, ProcessSingleton


class Till:
    def coins(self) -> int:
        return 1


class Broken(Till):
    def coins(self) -> int:
        return 0


class Counted:
    def __init__(self, till: Till) -> None:
        self.till = till
        self.times = 0

    def count(self) -> int:
        self.times += 1
        return self.till.coins()


class Count:
    def __init__(self, counted: Counted) -> None:
        self.counted = counted

    def __call__(self) -> list[int]:
        return [self.counted.count(), self.counted.times, os.getpid()]


class Cashier(PipelineComponents):
    till = ProcessSingleton(Till)
    counted = ProcessSingleton(Counted, till)
    count = providers.Factory(Count, counted)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("coins", pipeline.node("count", self.count)())
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaskEngine]:
    (tmp_path / "till_cashier.py").write_text(CASHIER)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    options = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, scheduler_kwargs=options
    ) as cluster:
        yield DaskEngine(cluster=cluster)


def test_a_warm_worker_keeps_objects_of_the_process_but_none_of_a_fake(
    new_session: NewSession, engine: DaskEngine
) -> None:
    cashier = importlib.import_module("till_cashier")
    real = replace(cashier.Cashier.till, factory=cashier.Till)
    fake = replace(cashier.Cashier.till, factory=cashier.Broken)
    far = replace(cashier.Cashier.till, provider=Reference(cashier.Till, "till_cashier:Broken"))
    seen: list[list[int]] = []
    for overrides in ((), (fake,), (), (far,), (real,), ()):
        session = new_session(cashier.Cashier, *overrides, engine=engine)
        assert session.run().succeeded, session.outcome("//count")
        seen.append(session.output("//count", form=list[int]))
    assert [(coins, times) for coins, times, _ in seen] == [(1, 1), (0, 1), (1, 2), (0, 1), (1, 1), (1, 3)]
    assert len({process for _, _, process in seen}) == 1
