"""Nodes on Ray: what listens on sockets runs in a place without the network of this machine."""

from pathlib import Path

import pytest

from ray_place import run_suite


@pytest.mark.parametrize("suite", ["ray_suite", "ray_conformance"])
def test_nodes_run_on_ray(suite: str, tmp_path: Path) -> None:
    run_suite(suite, tmp_path)
