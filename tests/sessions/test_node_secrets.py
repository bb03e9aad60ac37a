"""Secrets that a node has otherwise than its session: told apart by keyed digests too."""

from collections.abc import Callable

import pytest

from oneml.habitats import PipelineServiceClient
from oneml.habitats.errors import DriftError

Clients = Callable[..., PipelineServiceClient]
KEY = {"ONEML_SIGNING_KEY": "k" * 40}
ENTRIES = {"//bad": {"token": "env:OWN"}}


def test_another_secret_of_a_node_is_refused_without_being_shown(new_client: Clients) -> None:
    driver = new_client({**KEY, "TROUBLE_TOKEN": "session-secret", "OWN": "first-secret"})
    driver.create_session("troubled", session_id="s1", settings={"nodes": ENTRIES}).close()
    same = new_client({**KEY, "TROUBLE_TOKEN": "session-secret", "OWN": "first-secret"}).session("troubled", "s1")
    assert same.prove("//bad").allowed == ()
    other = new_client({**KEY, "TROUBLE_TOKEN": "session-secret", "OWN": "other-secret"}).session("troubled", "s1")
    with pytest.raises(DriftError, match="secret token") as caught:
        other.prove("//bad")
    assert "first-secret" not in str(caught.value) + repr(caught.value.drifts)
    assert "other-secret" not in str(caught.value) + repr(caught.value.drifts)
    assert other.prove("//alone").allowed == ()


def test_rotation_may_be_allowed(new_client: Clients) -> None:
    driver = new_client({**KEY, "TROUBLE_TOKEN": "session-secret", "OWN": "first-secret"})
    settings = {"nodes": ENTRIES, "verification": {"rotation": "allow"}}
    driver.create_session("troubled", session_id="s1", settings=settings).close()
    other = new_client({**KEY, "TROUBLE_TOKEN": "session-secret", "OWN": "other-secret"}).session("troubled", "s1")
    (drift,) = other.prove("//bad").allowed
    assert (drift.kind, drift.subject) == ("secret", "token")
