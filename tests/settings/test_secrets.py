"""Secrets: references everywhere, values in memory alone, and texts from which they are taken out."""

import base64
import json
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, Secret, SecretBytes, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from oneml.habitats.errors import (
    InvalidDocumentError,
    OnemlError,
    SecretRefusedError,
    SecretUnavailableError,
    SettingsError,
)
from oneml.habitats.settings.differences import environment_differences
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.effective_secrets import secret_digests
from oneml.habitats.settings.explanations import setting_explanations
from oneml.habitats.settings.model_values import Values
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.references import SecretSource, is_reference
from oneml.habitats.settings.rows import setting_rows
from oneml.habitats.settings.secrets import MASK, mask_secrets

if TYPE_CHECKING:
    from conftest import Machine

CANARY = 'cänary/"s3cret"+value'


class Client(BaseModel):
    url: str = "https://x"
    token: SecretStr | None = None
    key: SecretBytes = SecretBytes(b"built-in-key")


class Vault(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="VAULT_")
    token: SecretStr | None = None
    tokens: list[SecretStr] = Field(default_factory=list[SecretStr])
    by_name: dict[str, SecretStr] | None = None
    pin: Secret[int] | None = None
    client: Client = Client(url="https://mine")
    clients: list[Client] = Field(default_factory=list[Client])
    plain: int = 1


class Fussy(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="FUSSY_")
    token: SecretStr = SecretStr("fine")
    other: str = ""

    @field_validator("token")
    @classmethod
    def _short(cls, token: SecretStr) -> SecretStr:
        if len(token.get_secret_value()) > 10:
            message = f"too long: {token.get_secret_value()}"
            raise ValueError(message)
        return token

    @model_validator(mode="after")
    def _fits(self) -> "Fussy":
        if self.other == "wrong":
            message = f"no match for {self.token.get_secret_value()}"
            raise ValueError(message)
        return self


class Needy(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="NEEDY_")
    token: SecretStr


def _revealed(settings: Vault) -> tuple[str | None, list[str]]:
    token = settings.token.get_secret_value() if settings.token is not None else None
    return token, [item.get_secret_value() for item in settings.tokens]


def test_a_variable_is_itself_the_reference(machine: "Machine") -> None:
    machine.environ |= {"VAULT_TOKEN": CANARY, "VAULT_TOKENS": json.dumps([CANARY, "b"]), "VAULT_PIN": "123456"}
    settings = machine.resolve(Vault)
    assert _revealed(settings.process) == (CANARY, [CANARY, "b"])
    assert settings.process.pin is not None
    assert settings.process.pin.get_secret_value() == 123456
    values = settings.values()
    assert (values["token"], values["tokens"], values["pin"]) == (
        "env:VAULT_TOKEN",
        "env:VAULT_TOKENS",
        "env:VAULT_PIN",
    )


def test_a_variable_whose_text_looks_like_a_reference_is_a_secret_all_the_same(machine: "Machine") -> None:
    machine.environ |= {"VAULT_TOKEN": "env:PATH"}
    assert _revealed(machine.resolve(Vault).process)[0] == "env:PATH"


class Sample(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="SAMPLE_")
    token: SecretStr = SecretStr("env:PATH")


def test_so_is_a_default_and_what_a_reference_leads_to_where_it_looks_like_one(machine: "Machine") -> None:
    machine.environ |= {"PATH": "not-this", "ELSEWHERE": "env:PATH"}
    for assignments in ([], ["token=env:ELSEWHERE"]):
        assert machine.resolve(Sample, assignments=assignments).process.token.get_secret_value() == "env:PATH"
        assert machine.resolve(Sample, assignments=assignments).session.token.get_secret_value() == "env:PATH"


def test_a_nested_secret_has_a_variable_of_its_own(machine: "Machine") -> None:
    machine.environ |= {"VAULT_CLIENT__TOKEN": CANARY, "VAULT_CLIENT": '{"url": "https://other"}'}
    settings = machine.resolve(Vault)
    client = settings.process.client
    assert client.token is not None
    assert (client.url, client.token.get_secret_value()) == ("https://other", CANARY)
    assert settings.values()["client"] == {"url": "https://other", "token": "env:VAULT_CLIENT__TOKEN", "key": "default"}


@pytest.mark.parametrize("reference", ["env:ELSEWHERE", "file:token"])
def test_every_other_layer_gives_a_reference(machine: "Machine", tmp_path: Path, reference: str) -> None:
    (tmp_path / "token").write_text(f"{CANARY}\n", encoding="utf-8")
    machine.environ |= {"ELSEWHERE": CANARY, "ONEML_SECRETS_DIR": str(tmp_path)}
    given = machine.file(f'token = "{reference}"\n')
    found = [
        machine.resolve(Vault, file=given),
        machine.resolve(Vault, session={"token": reference}),
        machine.resolve(Vault, assignments=[f"token={reference}"]),
    ]
    machine.dotenv(f"VAULT_TOKEN={reference}\n")
    found.append(machine.resolve(Vault))
    machine.dotenv("")
    machine.project(f'[habitats.digits-training]\ntoken = "{reference}"\n')
    found.append(machine.resolve(Vault))
    assert [_revealed(settings.session)[0] for settings in found] == [CANARY] * 5
    assert {settings.values()["token"] for settings in found} == {reference}


def test_a_default_in_code_is_a_reference_too(machine: "Machine") -> None:
    settings = machine.resolve(Vault, assignments=["client.url=https://z"])
    assert settings.values()["client"] == {"url": "https://z", "token": None, "key": "default"}
    assert settings.session.client.key.get_secret_value() == b"built-in-key"
    assert "built-in-key" in settings.secret_texts()


@pytest.mark.parametrize(
    "text", [CANARY, "", "default", "env:", "env:A B", "file:../x", "file:.hidden", "file:a/b", "other:x"]
)
def test_what_is_no_reference_is_refused_and_not_shown(machine: "Machine", text: str) -> None:
    assert not is_reference(text)
    for attempt in (
        lambda: machine.resolve(Vault, session={"token": text}),
        lambda: machine.resolve(Vault, session={"clients": [{"token": text}]}),
        lambda: machine.resolve(Vault, session={"by_name": {"a": text}}),
        lambda: machine.resolve(Vault, session={"nodes": {"//a": {"client": {"token": text}}}}),
        lambda: machine.resolve(Vault).node("//a", {"token": text}),
    ):
        with pytest.raises(SettingsError, match="is a secret: give a reference to it") as raised:
            attempt()
        assert CANARY not in str(raised.value)


def test_a_secret_inside_json_for_a_whole_model_is_refused(machine: "Machine") -> None:
    machine.environ["VAULT_CLIENT"] = json.dumps({"token": CANARY})
    with pytest.raises(SettingsError, match=r"client.token: is a secret.*\(VAULT_CLIENT\)") as raised:
        machine.resolve(Vault)
    assert CANARY not in str(raised.value)


def test_on_the_driver_every_missing_secret_is_named_with_its_remedy(machine: "Machine", tmp_path: Path) -> None:
    machine.environ["ONEML_SECRETS_DIR"] = str(tmp_path)
    given = ["token=env:NOT_SET", "client.token=file:absent"]
    with pytest.raises(SecretUnavailableError) as raised:
        machine.resolve(Vault, assignments=given)
    assert [entry[:2] for entry in raised.value.missing] == [
        ("token", "env:NOT_SET"),
        ("client.token", "file:absent"),
    ]
    assert "the variable NOT_SET is not set" in str(raised.value)
    assert f"there is no file {tmp_path / 'absent'}" in str(raised.value)


def test_on_a_worker_a_missing_secret_is_a_refusal(machine: "Machine") -> None:
    machine.environ["VAULT_TOKEN"] = CANARY
    machine.environ["VAULT_CLIENT__TOKEN"] = CANARY
    driver = machine.resolve(Vault, assignments=["//a:client.token=env:OF_NODE"])
    snapshot = driver.snapshot()
    with pytest.raises(SecretRefusedError, match=r'Secret "client.token" \(env:VAULT_CLIENT__TOKEN\)'):
        EffectiveSettings.from_snapshot(Vault, snapshot, {"VAULT_TOKEN": CANARY})
    worker = EffectiveSettings.from_snapshot(Vault, snapshot, machine.environ, driver.node_entry_documents())
    refused = (
        r"the variable OF_NODE is not set here\. Set it where .* nodes run\.\nRefused: the session was created with it"
    )
    with pytest.raises(SecretRefusedError, match=refused):
        worker.node("//a")


def test_a_worker_finds_its_own_secret(machine: "Machine", tmp_path: Path) -> None:
    (tmp_path / "t").write_text("from-file")
    machine.environ |= {"VAULT_TOKEN": "of-driver", "ONEML_SECRETS_DIR": str(tmp_path)}
    snapshot = machine.resolve(Vault, assignments=["client.token=file:t"]).snapshot()
    worker = EffectiveSettings.from_snapshot(Vault, snapshot, {"VAULT_TOKEN": "of-worker"}, secrets_folder=tmp_path)
    assert _revealed(worker.session)[0] == "of-worker"
    assert worker.session.client.token == SecretStr("from-file")
    assert worker.secret_texts() == {"of-worker", "from-file", "built-in-key"}


@dataclass
class Pair:
    name: str
    secret: SecretStr


class BuiltIn(PipelineSettings):
    many: tuple[SecretStr, ...] = (SecretStr("first-canary"), SecretStr("second-canary"))
    by_name: dict[str, SecretStr] = Field(default_factory=lambda: {"a": SecretStr("third-canary")})
    pair: Pair = Field(default_factory=lambda: Pair("n", SecretStr("fourth-canary")))
    pin: Secret[int] = Secret(987654)
    nothing: SecretStr | None = None
    inner: Client | None = None


def test_defaults_of_every_form_stay_in_the_code(machine: "Machine") -> None:
    driver = machine.resolve(BuiltIn, assignments=["inner.url=x"])
    assert "canary" not in json.dumps(driver.snapshot())
    worker = EffectiveSettings.from_snapshot(BuiltIn, driver.snapshot(), {})
    assert worker.session == driver.session
    assert worker.session.pair == Pair("n", SecretStr("fourth-canary"))
    assert worker.session.inner == Client(url="x")
    texts = {"first-canary", "second-canary", "third-canary", "fourth-canary", "987654", "built-in-key"}
    assert texts <= worker.secret_texts()


def test_a_default_that_is_gone_is_a_refusal(machine: "Machine") -> None:
    class Gone(PipelineSettings):
        token: SecretStr | None = None

    class Binary(PipelineSettings):
        token: SecretBytes = SecretBytes(b"\xff")

    document = {**machine.resolve(Gone).snapshot()}
    document["process"] = {**machine.resolve(Gone).process_values, "token": "default"}
    with pytest.raises(SecretRefusedError, match="the code that is installed here gives no default"):
        EffectiveSettings.from_snapshot(Gone, document, {})
    with pytest.raises(SecretUnavailableError, match="the default of the setting"):
        machine.resolve(Binary)


def test_a_recipe_with_a_secret_in_it_is_refused_and_not_shown(machine: "Machine") -> None:
    driver = machine.resolve(Vault, assignments=["//a:plain=3"])
    document = json.loads(json.dumps(driver.snapshot()))
    entries = json.loads(json.dumps(driver.node_entry_documents()))
    document["process"]["token"] = CANARY
    with pytest.raises(InvalidDocumentError, match='"token" is a secret, but no reference') as raised:
        EffectiveSettings.from_snapshot(Vault, document, {})
    entries["//a"][0]["values"] = {"token": CANARY}
    worker = EffectiveSettings.from_snapshot(Vault, driver.snapshot(), {}, entries)
    with pytest.raises(SecretRefusedError, match="it is no reference") as refused:
        worker.node("//a")
    assert CANARY not in f"{raised.value}{refused.value}{refused.value.missing}"


@pytest.mark.parametrize("content", [b"\xff", b"x" * 70_000])
def test_a_secret_file_that_cannot_be_one_is_named(machine: "Machine", tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    machine.environ["ONEML_SECRETS_DIR"] = str(tmp_path)
    with pytest.raises(SecretUnavailableError, match=str(tmp_path / "token")):
        machine.resolve(Vault, assignments=["token=file:token"])


def test_a_secret_that_does_not_fit_its_type_is_not_shown(machine: "Machine") -> None:
    machine.environ["VAULT_PIN"] = json.dumps(CANARY)
    with pytest.raises(SettingsError, match=r"pin: what the secret is does not fit its type") as raised:
        machine.resolve(Vault)
    assert "nary" not in str(raised.value)
    for text in ("not json " + CANARY, '"nary \\ud800"', "[" * 100_000):
        machine.environ["VAULT_PIN"] = text
        with pytest.raises(SecretUnavailableError, match="is not JSON in UTF-8") as missing:
            machine.resolve(Vault)
        assert "nary" not in str(missing.value)


def test_validators_that_tell_a_secret_are_not_heard(machine: "Machine") -> None:
    machine.environ |= {"FUSSY_TOKEN": "canary-far-too-long"}
    with pytest.raises(SettingsError, match="token: what the secret is does not fit") as raised:
        machine.resolve(Fussy)
    machine.environ |= {"FUSSY_TOKEN": "canary", "FUSSY_OTHER": "wrong"}
    with pytest.raises(SettingsError, match="no match for") as second:
        machine.resolve(Fussy)
    for error in (raised.value, second.value):
        shown = "".join(traceback.format_exception(error)) + repr(error.problems)
        assert "canary" not in shown


def test_a_secret_that_must_be_given_says_where(machine: "Machine") -> None:
    with pytest.raises(SettingsError, match=r"token: needs a value. Set NEEDY_TOKEN, or --set token="):
        machine.resolve(Needy)


def test_secrets_of_nodes_are_masked_once_a_node_was_asked_for(machine: "Machine") -> None:
    machine.environ["OF_NODE"] = "node-canary"
    settings = machine.resolve(Vault, assignments=["//a:token=env:OF_NODE"])
    assert "node-canary" not in settings.secret_texts()
    assert settings.node("//a").token == SecretStr("node-canary")
    assert "node-canary" in settings.secret_texts()


def test_a_canary_is_in_nothing_that_is_written_or_shown(machine: "Machine") -> None:
    machine.environ |= {
        "VAULT_TOKEN": CANARY,
        "VAULT_TOKENS": json.dumps([CANARY]),
        "VAULT_BY_NAME": json.dumps({"a": CANARY}),
        "VAULT_CLIENT__TOKEN": CANARY,
        "VAULT_CLIENTS": json.dumps([{"token": CANARY}]),
    }
    settings = machine.resolve(Vault, assignments=["//a:token=env:VAULT_CLIENT__TOKEN", "//a:plain=3"])
    entries = settings.node_entry_documents()
    worker = EffectiveSettings.from_snapshot(Vault, settings.snapshot(), machine.environ, entries)
    shown: list[object] = []
    for one in (settings, worker):
        shown += [one, one.process, str(one.session), one.node("//a"), one.layers, one.process_key, one.values("//a")]
        shown += [one.origins("//a"), setting_explanations(one, "//a"), setting_rows(one, "//a"), one.snapshot()]
        shown += [one.node_entry_documents(), one.snapshot_sources(), secret_digests(one, b"k" * 32, b"here")]
        shown += [one.secrets_in_force(), secret_digests(one, b"k" * 32, b"", "//a"), one.read_values([""])]
        assert CANARY in one.secret_texts()
    shown.append(environment_differences(worker, {**machine.environ, "VAULT_PLAIN": "4", "VAULT_CLIENT__KEY": CANARY}))
    text = repr(shown) + json.dumps(settings.snapshot())
    assert not [form for form in _forms(CANARY) if form in text]
    assert "env:VAULT_CLIENT__KEY" in text


def _forms(secret: str) -> Iterator[str]:
    data = secret.encode()
    yield from (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret), quote_plus(secret))
    yield from (data.hex(), data.hex().upper(), base64.b64encode(data).decode().rstrip("="))


@given(st.text(st.characters(exclude_characters="<>*", exclude_categories=["Cs"]), min_size=4, max_size=40))
def test_a_secret_is_masked_in_every_form_wherever_it_stands(secret: str) -> None:
    for form in _forms(secret):
        assert mask_secrets(f"<<{form}>>", [secret]) == f"<<{MASK}>>"


@given(st.binary(max_size=8), st.text("abcdefghij0123456789", min_size=8, max_size=40), st.binary(max_size=8))
def test_a_secret_is_masked_in_base64_of_something_larger(before: bytes, secret: str, after: bytes) -> None:
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    assert MASK in mask_secrets(encoded, [secret])
    assert MASK in mask_secrets(base64.urlsafe_b64encode(before + secret.encode() + after).decode(), [secret])


def test_the_longest_secret_wins_and_short_ones_stay() -> None:
    assert mask_secrets("abcdefgh abcd abc", ["abcd", "abcdefgh", "abc"]) == f"{MASK} {MASK} abc"
    assert mask_secrets("text", []) == "text"
    assert mask_secrets("abc", ["abc", ""]) == "abc"


def test_each_line_of_a_secret_is_masked_by_itself() -> None:
    key = "-----BEGIN KEY-----\nMIIBVgIBADANBgkq\nshort\n"
    assert mask_secrets("log: MIIBVgIBADANBgkq short", [key]) == f"log: {MASK} short"


def test_every_error_of_the_layer_is_one_of_ours(machine: "Machine") -> None:
    with pytest.raises(OnemlError):
        machine.resolve(Needy)
    assert issubclass(SecretRefusedError, OnemlError)
    assert SecretRefusedError.exit_code == 3
    assert SecretUnavailableError.exit_code == 2


def test_what_holds_secrets_does_not_show_them_in_tracebacks_with_locals() -> None:
    source = SecretSource({"TOKEN": CANARY, "OTHER": "an0ther-s3cret"}, Path("/none"))
    tree = {**Vault().model_dump(mode="json", exclude={"client"}), "token": "env:TOKEN"}
    resolved = source.resolve(Vault, tree)
    assert resolved.texts == {CANARY}
    values = Values(Vault(token=SecretStr(CANARY)), tree, resolved.texts)
    assert "s3cret" not in f"{source!r}{resolved!r}{values!r}"
