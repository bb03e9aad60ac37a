"""One thing in which what is here is not what was recorded."""

from typing import NamedTuple


class Drift(NamedTuple):
    """A difference between two sides: what a session was created with, and what is here.

    Attributes:
        kind: What it is about: ``habitat``, ``container``, ``python``, ``distribution``, ``code``, ``data``,
            ``provider``, ``setting``, ``secret``, ``override``, ``node`` or ``live-code``.
        subject: Which of them: the dotted name of a provider or a setting, ``module:QualifiedName``, a distribution, a
            file, a node path.
        field: What of the subject differs: ``lifetime``, ``argument iterations``, ``version``; empty where that is the
            subject itself.
        expected: What was recorded, as text, secrets masked; None where it was absent.
        found: What is here; None where it is absent.
        expected_source: Where that stood, ``file:line`` as it was recorded; empty where that is unknown.
        found_source: Where it stands here; empty where that is unknown.
        remedy: What to do about this one; empty where the general way out is all there is.
    """

    kind: str
    subject: str
    field: str
    expected: str | None
    found: str | None
    expected_source: str = ""
    found_source: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        """Return it for a person, on one line."""
        what = f"{self.kind} {self.subject}" + (f", {self.field}" if self.field else "")
        recorded = _side(self.expected, self.expected_source)
        here = _side(self.found, self.found_source)
        return f"{what}: {recorded} recorded, {here} here" + (f". {self.remedy}" if self.remedy else "")

    def to_json(self) -> dict[str, str | None]:
        """Return it as JSON, one key an attribute."""
        return self._asdict()


def _side(value: str | None, source: str) -> str:
    return ("nothing" if value is None else value) + (f" ({source})" if source else "")
