"""The key that recipes are signed with: a variable, or a reference in the user's settings file; never a setting."""

from typing import TYPE_CHECKING

from oneml.habitats.errors import SettingsError
from oneml.habitats.settings.references import MissingSecret, SecretSource, is_reference
from oneml.habitats.settings.variables import SIGNING_KEY_VARIABLE
from oneml.habitats.values.setting_problem import SettingProblem

if TYPE_CHECKING:
    from oneml.habitats.settings.sources import ProcessSources

SIGNING_KEY_NAME = "signing_key"
"""Stands in the user's settings file before a reference to the key."""

KEY_MIN_CHARACTERS = 32


def signing_key(sources: "ProcessSources") -> bytes | None:
    """Return the key that is configured: ``ONEML_SIGNING_KEY``, else what the user's settings file refers to.

    Raises:
        SettingsError: It is too short, its reference leads to nothing, or the file cannot be read. Never shows it.
    """
    text = _key_text(sources)
    return None if text is None else text.encode()


def key_texts(sources: "ProcessSources") -> frozenset[str]:
    """Return the texts that must be masked for the sake of the key, for `mask_secrets`; none where there is no key.

    Raises:
        SettingsError: As `signing_key`.
    """
    text = _key_text(sources)
    return frozenset() if text is None else frozenset({text})


def derived_key(key: bytes, purpose: str) -> bytes:
    """Return the key for one purpose: what is made with it says nothing about what is made for another."""
    from hmac import digest  # noqa: PLC0415  # where there is no key, nothing is derived

    return digest(key, f"oneml-habitats: {purpose}".encode(), "sha256")


def _key_text(sources: "ProcessSources") -> str | None:
    text = sources.environ.get(SIGNING_KEY_VARIABLE)
    if text is not None:
        return _checked(text, SIGNING_KEY_VARIABLE)
    file = sources.user_file()
    if file is None or SIGNING_KEY_NAME not in file.tables:
        return None
    reference, place = file.tables[SIGNING_KEY_NAME], file.place((SIGNING_KEY_NAME,))
    if not isinstance(reference, str) or not is_reference(reference):
        rule = "give a reference to the key, env:NAME or file:NAME, not itself"
        raise _problem(rule, place)
    found = SecretSource.of_environment(sources.environ).text(SIGNING_KEY_NAME, reference)
    if isinstance(found, MissingSecret):
        rule = f"{reference} leads to nothing here: {found.reason}"
        raise _problem(rule, place)
    return _checked(found, place)


def _checked(text: str, place: str) -> str:
    if len(text) < KEY_MIN_CHARACTERS:
        rule = f"has {len(text)} characters; at least {KEY_MIN_CHARACTERS} are needed, best drawn at random"
        raise _problem(rule, place)
    try:
        text.encode()
    except UnicodeEncodeError:
        rule = "is not Unicode text"
        # Not chained: the cause carries the key.
        raise _problem(rule, place) from None
    return text


def _problem(rule: str, place: str) -> SettingsError:
    return SettingsError(problems=(SettingProblem(SIGNING_KEY_NAME, f"{SIGNING_KEY_NAME}: {rule}", place),))
