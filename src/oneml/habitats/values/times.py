"""How times are written."""

from datetime import UTC, datetime


def rfc3339(at: datetime) -> str:
    """Return a time in the only form in which documents and tables carry it: UTC, microseconds, ``Z``.

    All are of one length, so that texts sort as times do.

    Raises:
        ValueError: The time has no zone.
    """
    if at.tzinfo is None:
        message = "a time needs its zone"
        raise ValueError(message)
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="microseconds").replace("+00:00", "Z")
