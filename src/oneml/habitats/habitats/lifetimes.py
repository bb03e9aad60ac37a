"""How long what a provider gives lives, and which settings it reads."""

from enum import IntEnum
from typing import NamedTuple


class Lifetime(IntEnum):
    """The scopes, widest first: a wider one must not hold what belongs to a narrower one."""

    PROCESS = 0
    SESSION = 1
    NODE = 2

    def __str__(self) -> str:
        return self.name.lower()


class SettingRead(NamedTuple):
    """A setting that a provider reads.

    Attributes:
        layer: The view that it reads: ``process``, ``session`` or ``node``.
        field: Dotted name of the setting; empty where the view is read as a whole.
    """

    layer: str
    field: str

    def __str__(self) -> str:
        return f"settings.{self.layer}.{self.field}" if self.field else f"settings.{self.layer}"


LIFETIME_OF_LAYER = {"process": Lifetime.PROCESS, "session": Lifetime.SESSION, "node": Lifetime.NODE}
"""Where a view of the settings has a value."""
