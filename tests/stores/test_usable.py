"""Whether a store can be written is tried."""

import os
from pathlib import Path

from oneml.habitats.stores.local import LocalArtifactStore
from oneml.habitats.stores.usable import check_usable, is_read_only


def test_what_another_process_of_this_number_left_behind_does_not_count(tmp_path: Path) -> None:
    (tmp_path / f".oneml-probe-{os.getpid()}").mkdir()
    assert not is_read_only(LocalArtifactStore(tmp_path))
    check_usable(LocalArtifactStore(tmp_path / "store"))
    assert len(list(tmp_path.iterdir())) == 1
