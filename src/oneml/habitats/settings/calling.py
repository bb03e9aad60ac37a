"""The line of the author's code that calls into this package."""

import sys

_PACKAGE = __name__.partition(".settings.")[0]


def calling_place() -> str:
    """Return ``file:line`` of the nearest frame that is none of this package; empty where there is none."""
    frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # documented, cheap
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name != _PACKAGE and not name.startswith(f"{_PACKAGE}."):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
