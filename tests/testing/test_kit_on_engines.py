"""The test kit is the same on every engine; those that need root and daemons of their own are in tests/system."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from kit_place import run_kit
from kit_shop import Shop
from kit_suite import Hanging
from oneml.habitats import replace
from oneml.habitats.testing import NewSession


@pytest.mark.parametrize(
    "engine",
    [
        {"engine": "in-process"},
        {"engine": "in-process", "workers": 3},
        {"engine": "process", "workers": 1},
        {"engine": "dask", "workers": 1},
    ],
    ids=["in-process", "threads", "process", "dask"],
)
def test_the_kit_keeps_its_promises(engine: Mapping[str, object], tmp_path: Path) -> None:
    run_kit(engine, tmp_path)


def test_the_kit_keeps_its_promises_on_ray(tmp_path: Path) -> None:
    run_kit({"engine": "ray", "workers": 1}, tmp_path, alone=True)


@pytest.mark.parametrize(("isolated", "seconds"), [(False, 2), (True, 5)])  # starting an interpreter takes a while
def test_a_node_whose_time_is_over_tells_where_it_hung(
    new_session: NewSession, *, isolated: bool, seconds: int
) -> None:
    settings = {"isolated": isolated, "nodes": {"//read": {"timeout_seconds": seconds}}}
    session = new_session(Shop, replace(Shop.client, factory=Hanging), settings=settings, engine="process")
    assert not session.run().succeeded
    outcome = session.outcome("//read")
    assert outcome is not None
    assert outcome.error is not None
    told = outcome.error.summary()
    assert told.startswith(
        f"TimeoutError: the node was ended after {seconds} s (timeout_seconds). Correct what it waits for"
    )
    assert told.endswith("give it longer: --set '//read:timeout_seconds=...'")
    lines = [line for line in outcome.error.traceback.splitlines() if line.strip(" ~^")]
    assert lines[-2:] == ["    time.sleep(60)", told]
    assert not [line for line in lines if "oneml/habitats" in line]
