"""Whether there is a Ray to join, or one is to be started that nobody else can reach."""

import pytest

from oneml.habitats.engines.ray_connection import connected, joins
from oneml.habitats.engines.ray_options import RayOptions
from oneml.habitats.errors import EngineError


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


@pytest.mark.parametrize("address", ["127.0.0.1:9", "..:6379", f"{'a' * 64}:6379"])
def test_an_address_at_which_nobody_can_answer_is_an_error_of_the_engine(address: str) -> None:
    options = RayOptions(address=address, connect_seconds=1.0)
    with pytest.raises(EngineError, match="nobody answers at"), connected(options, None):
        pass
