"""One thing that is wrong with settings that were given, as a report lists it."""

from typing import NamedTuple


class SettingProblem(NamedTuple):
    """A problem with a setting; never shows the value of a secret.

    Attributes:
        setting: Dotted name of the setting, or the variable that is none.
        message: What is wrong, what is known, what to do next; names the setting.
        source: Where the value was given: a variable, a file and a line, an option; empty where nothing gave one.
    """

    setting: str
    message: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.message} ({self.source})" if self.source else self.message
