"""The garbage collector stands still during imports, and does not look through what they made."""

import gc

import pytest

from oneml.habitats.cli.collector import importing


@pytest.mark.parametrize("runs", [True, False])
def test_collector_stands_still_and_is_as_it_was(runs: bool) -> None:
    was_running, frozen = gc.isenabled(), gc.get_freeze_count()
    if not runs:
        gc.disable()
    try:
        with importing():
            assert not gc.isenabled()
        assert gc.isenabled() is runs
        assert (gc.get_freeze_count() > frozen) is runs
    finally:
        gc.unfreeze()
        if was_running:
            gc.enable()
