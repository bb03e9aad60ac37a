"""References to secrets: what layers and recipes hold in place of them, and how they are resolved where a node runs."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import ascii_letters, digits
from typing import NamedTuple, cast

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from typing_extensions import override

from oneml.habitats.settings.json_form import as_json
from oneml.habitats.settings.shapes import (
    Leaf,
    Setting,
    SettingName,
    dotted,
    fields_of,
    leaves,
    members_of,
    settings_of,
)
from oneml.habitats.settings.variables import SIGNING_KEY_VARIABLE
from oneml.habitats.values.json_value import JsonValue

SECRETS_FOLDER_VARIABLE = "ONEML_SECRETS_DIR"
"""Control variable: the folder in which ``file:NAME`` is looked for."""

SECRETS_FOLDER = Path("/run/secrets")
"""That folder where the variable is not set: where container engines mount secrets."""

SECRET_MAX_BYTES = 65_536
DEFAULT_REFERENCE = "default"
"""Stands for a secret that the package's own code gives as a default."""

_NAME_MAX_CHARACTERS = 255
_FILE_CHARACTERS = frozenset(f"{ascii_letters}{digits}._-")


class MissingSecret(NamedTuple):
    """A reference that leads to nothing here.

    Attributes:
        setting: Dotted name of the setting.
        reference: ``env:NAME``, ``file:NAME`` or ``default``.
        reason: Why, and what to do.
    """

    setting: str
    reference: str
    reason: str


class ResolvedSecrets(NamedTuple):
    """A tree of settings with its secrets in place; never leaves memory.

    Attributes:
        tree: The tree.
        texts: Every secret text in it.
        missing: What could not be resolved.
    """

    tree: Mapping[str, JsonValue]
    texts: frozenset[str]
    missing: tuple[MissingSecret, ...]

    @override
    def __repr__(self) -> str:
        return f"<settings with {len(self.texts)} secret texts, missing {self.missing}>"


def is_reference(value: JsonValue) -> bool:
    """Tell whether ``value`` is a reference that people may write: ``env:NAME`` or ``file:NAME``."""
    if not isinstance(value, str):
        return False
    kind, _, name = value.partition(":")
    if not 0 < len(name) <= _NAME_MAX_CHARACTERS:
        return False
    if kind == "env":
        return name.isascii() and name.isidentifier()
    return kind == "file" and name[0] not in ".-" and _FILE_CHARACTERS.issuperset(name)


class SecretSource(NamedTuple):
    """Where references lead to on this machine.

    Attributes:
        environ: Variables, for ``env:NAME``.
        folder: For ``file:NAME``.
        lenient: Whether a reference that leads to nothing stays in its place.
    """

    environ: Mapping[str, str]
    folder: Path
    lenient: bool = False

    @override
    def __repr__(self) -> str:
        return f"<secrets of the environment and {self.folder}>"

    @classmethod
    def of_environment(cls, environ: Mapping[str, str], folder: Path | None = None) -> "SecretSource":
        """Return the source that ``environ`` describes; ``folder`` overrules the folder that it names."""
        named = environ.get(SECRETS_FOLDER_VARIABLE)
        return cls(environ=environ, folder=folder or (Path(named) if named else SECRETS_FOLDER))

    def resolve(self, model: type[BaseModel], tree: Mapping[str, JsonValue]) -> ResolvedSecrets:
        """Return ``tree`` with every reference replaced by what it leads to."""
        texts: set[str] = set()
        missing: list[MissingSecret] = []

        def within(below: type[BaseModel], part: Mapping[str, JsonValue], above: SettingName) -> dict[str, JsonValue]:
            known = settings_of(below)
            result = dict(part)
            for name, value in part.items():
                setting, path = known.get(name), (*above, name)
                if setting is None or not setting.hides or value is None:
                    continue
                if setting.model is not None and isinstance(value, Mapping):
                    result[name] = within(setting.model, value, path)
                elif setting.secret:
                    found = self._value(model, Leaf(path, value, setting))
                    if isinstance(found, MissingSecret):
                        missing.append(found)
                    else:
                        result[name] = found
                        texts.update(_texts(found))
            return result

        resolved = within(model, tree, ()) if any(s.hides for s in settings_of(model).values()) else tree
        return ResolvedSecrets(resolved, frozenset(texts), () if self.lenient else tuple(missing))

    def text(self, setting: str, reference: str) -> "str | MissingSecret":
        """Return the text that a reference leads to, given for what ``setting`` names."""
        kind, _, name = reference.partition(":")
        try:
            return self._variable(name) if kind == "env" else self._file(name)
        except _UnavailableError as error:
            return MissingSecret(setting, reference, str(error))

    def _value(self, model: type[BaseModel], leaf: Leaf) -> "JsonValue | MissingSecret":
        setting = dotted(leaf.name)
        reference = str(leaf.value)
        if reference != DEFAULT_REFERENCE and not is_reference(reference):
            return MissingSecret(setting, "not shown", "it is no reference: give env:NAME or file:NAME")
        if reference == f"env:{SIGNING_KEY_VARIABLE}":
            return MissingSecret(setting, reference, "it is the key that recipes are signed with, which is no setting")
        try:
            if reference == DEFAULT_REFERENCE:
                return _default(model, leaf.name)
            text = self.text(setting, reference)
            return text if isinstance(text, MissingSecret) else _decoded(leaf.setting, text)
        except _UnavailableError as error:
            return MissingSecret(setting, reference, str(error))

    def _variable(self, name: str) -> str:
        text = self.environ.get(name)
        if text is None:
            message = (
                f"the variable {name} is not set here. Set it where the session is created, and where its nodes run"
            )
            raise _UnavailableError(message)
        return text

    def _file(self, name: str) -> str:
        path = self.folder / name
        try:
            if not path.is_file():
                message = f"there is no file {path}. Put it there, or name the folder in {SECRETS_FOLDER_VARIABLE}"
                raise _UnavailableError(message)
            with path.open("rb") as stream:
                data = stream.read(SECRET_MAX_BYTES + 1)
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}"
            raise _UnavailableError(message) from None
        if len(data) > SECRET_MAX_BYTES:
            message = f"{path} is larger than {SECRET_MAX_BYTES} bytes"
            raise _UnavailableError(message)
        try:
            return data.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            message = f"{path} is not UTF-8"
            raise _UnavailableError(message) from None


class _UnavailableError(Exception):
    """A reference leads to nothing; the text says why and never shows a secret."""


def _decoded(setting: Setting, text: str) -> JsonValue:
    try:
        text.encode()
        if any(isinstance(kind, type) and issubclass(kind, SecretStr | SecretBytes) for kind in _kinds(setting)):
            return text
        value = cast("JsonValue", json.loads(text))
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        message = "what it leads to is not JSON in UTF-8, as its type needs"
        raise _UnavailableError(message) from None
    return value


def _kinds(setting: Setting) -> Iterator[object]:
    return (kind for kind in members_of(setting.annotation) if kind is not type(None))


def _default(model: type[BaseModel], name: SettingName) -> JsonValue:
    secret = default_of(model, name)
    if secret is None:
        message = "the code that is installed here gives no default for it"
        raise _UnavailableError(message)
    try:
        return as_json(_revealed(secret))
    except ValueError as error:
        message = f"the default of the setting {error}"
        raise _UnavailableError(message) from None


def default_of(model: type[BaseModel], name: SettingName) -> object:
    """Return what the package's code gives where nothing sets ``name``; None where it gives nothing."""
    value: object = None
    below: type[BaseModel] | None = model
    for segment in name:
        if isinstance(value, BaseModel):
            value = cast("object", getattr(value, segment, None))
        else:
            value = field_default(below, segment)
        setting = settings_of(below).get(segment) if below is not None else None
        below = setting.model if setting is not None else None
    return value


def field_default(model: type[BaseModel] | None, name: str) -> object:
    """Return the default of a field; None where it has none, or one that depends on other fields."""
    field = model.model_fields.get(name) if model is not None else None
    if field is None or field.is_required() or field.default_factory_takes_validated_data:
        return None
    return cast("object", field.get_default(call_default_factory=True))


def _revealed(value: object) -> object:
    if isinstance(value, SecretStr | SecretBytes | Secret):
        secret = cast("object", value.get_secret_value())
        return secret.decode() if isinstance(secret, bytes) else secret
    if isinstance(value, Mapping):
        return {key: _revealed(item) for key, item in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_revealed(item) for item in cast("list[object]", value)]
    fields = fields_of(type(value))
    return value if fields is None else {name: _revealed(cast("object", getattr(value, name))) for name in fields}


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield json.dumps(value)


def secret_leaves(model: type[BaseModel], tree: Mapping[str, JsonValue]) -> Iterator[Leaf]:
    """Give every value of ``tree`` that must be a reference."""
    return (leaf for leaf in leaves(model, tree) if leaf.setting.secret and leaf.value is not None)
