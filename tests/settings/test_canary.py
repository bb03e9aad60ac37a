"""A secret that was written where only a reference may stand: refused in every layer, and shown nowhere, in no form."""

import base64
import json
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from pydantic import BaseModel, SecretStr
from pydantic_settings import SettingsConfigDict

from oneml.habitats.errors import OnemlError, SettingsError
from oneml.habitats.settings.models import PipelineNodeSettings, PipelineSessionSettings, PipelineSettings
from oneml.habitats.settings.sources import CommandLineSettings

if TYPE_CHECKING:
    from conftest import Machine

SECRET = 'cänary/"s3cret"+value'
DATA = SECRET.encode()
FORMS = {
    "plain": SECRET,
    "base64": base64.b64encode(DATA).decode(),
    "hex": DATA.hex(),
    "url": quote(SECRET, safe=""),
    "form": quote_plus(SECRET),
    "json": json.dumps(SECRET),
}


class Client(BaseModel):
    url: str = "x"
    token: SecretStr | None = None


class Vault(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="VAULT_")
    token: SecretStr | None = None
    many: tuple[SecretStr, ...] = ()
    client: Client = Client()
    clients: tuple[Client, ...] = ()


def _trees(text: str) -> Iterator[dict[str, Any]]:
    """Give everything that a person may write with a secret in it."""
    yield {"token": text}
    yield {"token": [text]}
    yield {"token": {"value": text}}
    yield {"many": [text]}
    yield {"many": text}
    yield {"client": text}
    yield {"client": {"token": text}}
    yield {"client": {"token": text, "misspelt": 1}}
    yield {"clients": [{"token": text}]}
    yield {"clients": text}


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(item)}" for name, item in value.items()) + "}"
    return "[" + ", ".join(map(_toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


def _lines(tree: dict[str, Any]) -> str:
    return "\n".join(f"{name} = {_toml(value)}" for name, value in tree.items())


def _user(machine: "Machine", tree: dict[str, Any]) -> None:
    machine.user(f"[habitats.digits-training]\n{_lines(tree)}\n")
    machine.resolve(Vault)


def _project(machine: "Machine", tree: dict[str, Any]) -> None:
    machine.project(f"[habitats.digits-training]\n{_lines(tree)}\n")
    machine.resolve(Vault)


def _dotenv(machine: "Machine", tree: dict[str, Any]) -> None:
    quoted = (f"VAULT_{name.upper()}={json.dumps(_text(value))}" for name, value in tree.items())
    machine.dotenv("\n".join(quoted) + "\n")
    machine.resolve(Vault)


def _set(machine: "Machine", tree: dict[str, Any]) -> None:
    machine.resolve(Vault, assignments=[f"{name}={_text(value)}" for name, value in tree.items()])


def _set_for_node(machine: "Machine", tree: dict[str, Any]) -> None:
    machine.resolve(Vault, assignments=[f"//a:{name}={_text(value)}" for name, value in tree.items()])


def _file(machine: "Machine", tree: dict[str, Any]) -> None:
    machine.resolve(Vault, file=machine.file(f"{_lines(tree)}\n"))


def _file_for_node(machine: "Machine", tree: dict[str, Any]) -> None:
    machine.resolve(Vault, file=machine.file(f'[nodes."//a"]\n{_lines(tree)}\n'))


def _code(machine: "Machine", tree: dict[str, Any]) -> None:
    machine.resolve(Vault, session=tree)


def _code_for_node(machine: "Machine", tree: dict[str, Any]) -> None:
    machine.resolve(Vault, session={"nodes": {"//a": tree}})


def _model(machine: "Machine", tree: dict[str, Any]) -> None:
    machine.resolve(Vault, session=PipelineSessionSettings(fields=tree))


def _author(machine: "Machine", tree: dict[str, Any]) -> None:
    machine.resolve(Vault).node("//a", PipelineNodeSettings(fields=tree).entries())


def _change(machine: "Machine", tree: dict[str, Any]) -> None:
    machine.resolve(Vault).revised(tree, source="change")


OF_PROCESS = (_user, _project, _dotenv, _change)
OF_SESSION = (_set, _file, _code, _model)
OF_NODES = (_set_for_node, _file_for_node, _code_for_node, _author)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _shown(error: BaseException) -> str:
    fields = repr(vars(error)) + repr(error) + str(error)
    chained = [error.__cause__, error.__context__ if not error.__suppress_context__ else None]
    lines = traceback.TracebackException.from_exception(error, lookup_lines=False).format_exception_only()
    return fields + "".join(lines) + "".join(_shown(item) for item in chained if item is not None)


def _found(text: str) -> list[str]:
    return [name for name, form in FORMS.items() if form.strip('"') in text]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layer", [*OF_PROCESS, *OF_SESSION, *OF_NODES], ids=lambda layer: layer.__name__.strip("_"))
def test_it_is_refused_in_every_layer_and_shown_nowhere(
    machine: "Machine", layer: Callable[["Machine", dict[str, Any]], None], form: str
) -> None:
    for tree in _trees(FORMS[form]):
        with pytest.raises(OnemlError) as raised:
            layer(machine, tree)
        assert isinstance(raised.value, SettingsError)
        assert _found(_shown(raised.value)) == [], tree


@pytest.mark.parametrize("form", FORMS)
def test_a_variable_that_does_not_fit_shows_nothing_either(machine: "Machine", form: str) -> None:
    text = FORMS[form]
    for variables in (
        {"VAULT_MANY": text},
        {"VAULT_CLIENT": text},
        {"VAULT_CLIENT": json.dumps({"token": text})},
        {"VAULT_CLIENTS": json.dumps([{"token": text, "url": [text]}])},
        {"VAULT_TOKEN": text, "VAULT_CLIENT__URL": text, "VAULT_MISSPELT": text},
        {"VAULT_TOKEN__VALUE": text},
    ):
        machine.environ.clear()
        machine.environ |= variables
        with pytest.raises(OnemlError) as raised:
            machine.resolve(Vault)
        assert _found(_shown(raised.value)) == [], variables


@pytest.mark.parametrize(
    "broken", ["token = {0} x", "token = {0}\ntoken = {0}", "token = {0}\n[token]", "token = {0}\\"]
)
def test_a_file_that_cannot_be_read_shows_nothing_of_it(machine: "Machine", broken: str) -> None:
    with pytest.raises(SettingsError, match="it is not TOML") as raised:
        machine.resolve(Vault, file=machine.file(broken.format(json.dumps(SECRET))))
    assert _found(_shown(raised.value)) == []
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("assignment", [SECRET, f"token:{SECRET}", f"//a:{SECRET}", f"token {SECRET}"])
def test_an_assignment_without_an_equals_sign_is_not_shown(machine: "Machine", assignment: str) -> None:
    with pytest.raises(SettingsError, match="write --set NAME=VALUE") as raised:
        machine.resolve(Vault, assignments=[assignment])
    assert _found(_shown(raised.value)) == []


def test_what_was_given_is_in_no_repr() -> None:
    given = [
        PipelineSessionSettings(
            fields={"token": SECRET}, nodes={"//a": PipelineNodeSettings(fields={"token": SECRET})}
        ),
        CommandLineSettings(assignments=[f"token={SECRET}"]),
        Vault(token=SecretStr(SECRET)),
    ]
    assert _found(repr(given) + str(given)) == []
