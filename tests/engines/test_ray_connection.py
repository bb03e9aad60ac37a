"""Whether there is a Ray to join, or one is to be started that nobody else can reach."""

import pytest

from oneml.habitats.engines.ray_connection import joins
from oneml.habitats.engines.ray_options import RayOptions


@pytest.mark.parametrize(
    ("option", "variable", "expected"),
    [
        (None, None, False),
        ("", "", False),
        ("local", None, False),
        (None, "local", False),
        ("local", "head:6379", False),
        ("head:6379", None, True),
        (None, "head:6379", True),
        ("auto", None, True),
    ],
)
def test_what_ray_calls_local_is_a_cluster_of_our_own(
    option: str | None, variable: str | None, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray itself would start one that anybody on the network can reach."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if variable is not None:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    assert joins(RayOptions(address=option)) is expected
