"""How strictly a worker is held against a recipe: the policy that the recipe itself holds."""

from collections.abc import Mapping
from typing import NamedTuple

from oneml.habitats.errors import InvalidDocumentError
from oneml.habitats.sessions.recipe import Recipe
from oneml.habitats.values.json_value import JsonValue

_KNOWN: Mapping[str, tuple[str, ...]] = {
    "mode": ("strict", "warn"),
    "packages": ("exact", "compatible"),
    "python": ("exact", "compatible"),
    "rotation": ("refuse", "allow"),
}


class Policy(NamedTuple):
    """The settings ``verification`` of a session.

    Attributes:
        mode: ``strict`` or ``warn``.
        packages: ``exact`` or ``compatible``.
        python: ``exact`` or ``compatible``.
        rotation: ``refuse`` or ``allow``.
    """

    mode: str
    packages: str
    python: str
    rotation: str

    @property
    def warns(self) -> bool:
        """Whether differences are told, and not refused."""
        return self.mode == "warn"


def policy_of(recipe: Recipe) -> Policy:
    """Return the policy of a recipe, from its settings as they stand there: before any code of the session is imported.

    Raises:
        InvalidDocumentError: The settings hold none.
    """
    process, session = (_object(recipe.settings.get(name)) for name in ("process", "session"))
    given = _object(session.get("verification", process.get("verification")))
    found = {name: given.get(name) for name in _KNOWN}
    for name, value in found.items():
        if value not in _KNOWN[name]:
            raise InvalidDocumentError(
                what=f"recipe of session {recipe.session_id}", reason=f"verification.{name} is {value!r:.40}"
            )
    return Policy(**{name: str(value) for name, value in found.items()})


def _object(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, Mapping) else {}
