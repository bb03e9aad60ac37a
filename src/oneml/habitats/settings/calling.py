"""The line of the author's code that calls into this package."""

import sys
from types import FrameType

from typing_extensions import override

_PASSED_OVER = (__name__.partition(".settings.")[0], "pydantic")


def calling_place() -> str:
    """Return ``file:line`` of the nearest frame that is neither ours nor pydantic's; empty where there is none."""
    frame: FrameType | None
    frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # documented, cheap
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not any(name == package or name.startswith(f"{package}.") for package in _PASSED_OVER):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


class CodePlace:
    """A line of the author's that travels with settings and is no part of them: any two are equal, copies forget it.

    Args:
        text: ``file:line``; empty where nothing is known.
    """

    __slots__ = ("text",)

    def __init__(self, text: str = "") -> None:
        self.text = text

    @classmethod
    def of_caller(cls) -> "CodePlace":
        """Return the place where settings are made now."""
        return cls(calling_place())

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, CodePlace)

    @override
    def __hash__(self) -> int:
        return hash(CodePlace)

    @override
    def __reduce__(self) -> tuple[type["CodePlace"], tuple[()]]:
        return CodePlace, ()
