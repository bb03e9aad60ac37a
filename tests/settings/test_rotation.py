"""Rotated secrets: told by keyed digests, by name and reference, and never shown."""

import json
from typing import TYPE_CHECKING

from pydantic import BaseModel, SecretStr
from pydantic_settings import SettingsConfigDict

from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.effective_secrets import rotated_secrets, secret_digests
from oneml.habitats.settings.models import PipelineSettings

if TYPE_CHECKING:
    from conftest import Machine

KEY = b"k" * 32
CONTEXT = b"session-1"


class Client(BaseModel):
    token: SecretStr | None = None


class Holder(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="HOLDER_")
    token: SecretStr | None = None
    client: Client = Client()
    built_in: SecretStr = SecretStr("canary-built-in")


def _created(machine: "Machine", *assignments: str) -> EffectiveSettings[Holder]:
    machine.environ |= {"HOLDER_TOKEN": "canary-1", "HOLDER_CLIENT__TOKEN": "canary-2", "OTHER": "canary-3"}
    return machine.resolve(Holder, assignments=assignments)


def _worker(driver: EffectiveSettings[Holder], environ: dict[str, str]) -> EffectiveSettings[Holder]:
    return EffectiveSettings.from_snapshot(Holder, driver.snapshot(), environ, driver.node_entry_documents())


def test_the_same_secrets_are_no_drift_whatever_their_references(machine: "Machine") -> None:
    driver = _created(machine)
    recorded = secret_digests(driver, KEY, CONTEXT)
    assert recorded.keys() == {"token", "client.token", "built_in"}
    assert rotated_secrets(_worker(driver, machine.environ), recorded, KEY, CONTEXT) == []
    machine.environ["SAME"] = "canary-1"
    again = secret_digests(_created(machine, "token=env:SAME"), KEY, CONTEXT)
    assert again["token"] == recorded["token"]


def test_another_secret_behind_the_same_reference_is_named_and_not_shown(machine: "Machine") -> None:
    driver = _created(machine)
    recorded = secret_digests(driver, KEY, CONTEXT)
    worker = _worker(driver, {**machine.environ, "HOLDER_CLIENT__TOKEN": "canary-9"})
    (drift,) = rotated_secrets(worker, recorded, KEY, CONTEXT)
    assert (drift.kind, drift.subject, drift.field) == ("secret", "client.token", "env:HOLDER_CLIENT__TOKEN")
    assert (drift.expected, drift.found) == ("the secret that the session was created with", "another one")
    assert "verification.rotation=allow" in drift.remedy
    assert "canary" not in json.dumps([drift.to_json(), recorded])


def test_secrets_that_nobody_recorded_and_those_that_are_gone_are_told(machine: "Machine") -> None:
    worker = _worker(_created(machine), machine.environ)
    recorded = dict(secret_digests(worker, KEY, CONTEXT))
    del recorded["token"]
    recorded["gone"] = "0" * 64
    gone, new = rotated_secrets(worker, recorded, KEY, CONTEXT)
    assert (gone.subject, gone.found) == ("gone", None)
    assert (new.subject, new.expected, new.found) == ("token", None, "a secret")


def test_digests_are_bound_to_key_context_and_setting(machine: "Machine") -> None:
    settings = _created(machine, "client.token=env:HOLDER_TOKEN")
    digests = secret_digests(settings, KEY, CONTEXT)
    assert digests["token"] != digests["client.token"]
    for key, context in ((KEY, b"session-2"), (b"q" * 32, CONTEXT)):
        assert not set(secret_digests(settings, key, context).values()) & set(digests.values())


def test_a_secret_that_the_process_has_otherwise_is_told_for_itself(machine: "Machine") -> None:
    driver = _created(machine, "token=env:OTHER")
    recorded = secret_digests(driver, KEY, CONTEXT)
    assert recorded.keys() == {"token", "client.token", "built_in", "process:token"}
    worker = _worker(driver, {**machine.environ, "HOLDER_TOKEN": "canary-9"})
    (drift,) = rotated_secrets(worker, recorded, KEY, CONTEXT)
    assert (drift.subject, drift.field) == ("token", "env:HOLDER_TOKEN")


def test_a_node_tells_of_those_that_it_has_otherwise(machine: "Machine") -> None:
    driver = _created(machine, "//a:token=env:OTHER")
    recorded = secret_digests(driver, KEY, CONTEXT, "//a")
    assert recorded.keys() == {"token"}
    assert secret_digests(driver, KEY, CONTEXT, "//b") == {}
    assert "OTHER" not in json.dumps(secret_digests(driver, KEY, CONTEXT))
    worker = _worker(driver, {**machine.environ, "OTHER": "canary-9"})
    assert rotated_secrets(worker, secret_digests(driver, KEY, CONTEXT), KEY, CONTEXT) == []
    (drift,) = rotated_secrets(worker, recorded, KEY, CONTEXT, "//a")
    assert (drift.subject, drift.field) == ("token", "env:OTHER")


def test_a_setting_without_a_secret_has_no_digest(machine: "Machine") -> None:
    assert secret_digests(machine.resolve(Holder), KEY, CONTEXT).keys() == {"built_in"}
