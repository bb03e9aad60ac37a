"""The signing key: where it comes from, that it is never a setting, and that nothing shows it."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from oneml.habitats.errors import InvalidSettingsModelError, SecretUnavailableError, SettingsError
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.secrets import MASK, mask_secrets
from oneml.habitats.settings.signing_key import derived_key, key_texts, signing_key
from oneml.habitats.settings.variables import strange_variables

if TYPE_CHECKING:
    from conftest import Machine

KEY = "canary-0123456789-0123456789-0123456789"


class Tokens(PipelineSettings):
    token: SecretStr | None = None


def test_there_is_no_key_unless_one_is_configured(machine: "Machine") -> None:
    assert signing_key(machine.sources) is None
    assert key_texts(machine.sources) == frozenset()
    machine.user("retries = 1\n")
    assert signing_key(machine.sources) is None


def test_the_variable_holds_the_key_itself_and_wins_over_the_user_s_file(machine: "Machine") -> None:
    machine.user('signing_key = "env:ELSEWHERE"\n')
    machine.environ |= {"ONEML_SIGNING_KEY": KEY, "ELSEWHERE": "x" * 40}
    assert signing_key(machine.sources) == KEY.encode()
    assert strange_variables(machine.environ) == []


@pytest.mark.parametrize("reference", ["env:MY_KEY", "file:key"])
def test_the_user_s_file_refers_to_the_key(machine: "Machine", tmp_path: Path, reference: str) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    machine.environ |= {"MY_KEY": KEY, "ONEML_SECRETS_DIR": str(tmp_path)}
    machine.user(f'retries = 2\nsigning_key = "{reference}"\n')
    assert signing_key(machine.sources) == KEY.encode()
    settings = machine.resolve(Tokens)
    assert settings.session.retries == 2
    assert "signing_key" not in settings.values()


@pytest.mark.parametrize("text", ["", "canary", "canary" * 5, "canary" * 9 + "\udcff"])
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(machine: "Machine", text: str) -> None:
    machine.environ["ONEML_SIGNING_KEY"] = text
    with pytest.raises(SettingsError, match=r"^signing_key: .*\(ONEML_SIGNING_KEY\)$") as raised:
        signing_key(machine.sources)
    assert "canary" not in f"{raised.value}{raised.value.problems}{raised.value.__cause__}"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (f'signing_key = "{KEY}"', "give a reference to the key, env:NAME or file:NAME, not itself"),
        ("signing_key = 3", "give a reference to the key"),
        ('signing_key = "env:NOT_SET"', "env:NOT_SET leads to nothing here: the variable NOT_SET is not set"),
        ('signing_key = "env:SHORT"', "has 5 characters; at least 32"),
    ],
)
def test_what_the_file_says_wrongly_is_named_with_its_line(machine: "Machine", line: str, rule: str) -> None:
    machine.environ["SHORT"] = "canar"
    path = machine.user(f"retries = 1\n{line}\n")
    with pytest.raises(SettingsError) as raised:
        signing_key(machine.sources)
    assert rule in str(raised.value)
    assert f"({path}:2)" in str(raised.value)
    assert "canar" not in str(raised.value).replace(str(path), "")


@pytest.mark.parametrize("place", ["project", "habitat"])
def test_only_the_user_s_own_file_may_name_it(machine: "Machine", place: str) -> None:
    if place == "project":
        machine.project('signing_key = "env:X"\n')
    else:
        machine.user('[habitats.digits-training]\nsigning_key = "env:X"\n')
    with pytest.raises(SettingsError, match='"signing_key"'):
        machine.resolve(Tokens)


def test_no_setting_may_be_called_so() -> None:
    with pytest.raises(InvalidSettingsModelError, match='"signing_key" is reserved'):

        class Bad(PipelineSettings):
            signing_key: str = "x"


def test_no_setting_may_refer_to_it(machine: "Machine") -> None:
    machine.environ["ONEML_SIGNING_KEY"] = KEY
    with pytest.raises(SecretUnavailableError, match="which is no setting") as raised:
        machine.resolve(Tokens, assignments=["token=env:ONEML_SIGNING_KEY"])
    assert KEY not in str(raised.value)


def test_it_is_masked_as_secrets_are(machine: "Machine") -> None:
    machine.environ["ONEML_SIGNING_KEY"] = KEY
    assert mask_secrets(f"environ: {KEY} {KEY.encode().hex()}", key_texts(machine.sources)) == f"environ: {MASK} {MASK}"


def test_keys_for_different_purposes_differ_from_each_other_and_from_the_key() -> None:
    key = KEY.encode()
    keys = {key, derived_key(key, "a"), derived_key(key, "b"), derived_key(b"other" * 9, "a")}
    assert len(keys) == 4
    assert derived_key(key, "a") == derived_key(key, "a")
