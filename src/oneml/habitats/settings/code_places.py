"""Where code gave settings: the nearest line that is neither ours nor pydantic's."""

import sys
from typing import Final

from typing_extensions import override

_PASSED_OVER: Final = ("oneml.habitats", "pydantic")


class CodePlace:
    """A line of the author's that travels with settings and is no part of them: any two are equal, copies forget it.

    Args:
        text: ``file:line``; empty where nothing is known.
    """

    __slots__ = ("text",)

    def __init__(self, text: str = "") -> None:
        self.text = text

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, CodePlace)

    @override
    def __hash__(self) -> int:
        return hash(CodePlace)

    @override
    def __reduce__(self) -> tuple[type["CodePlace"], tuple[()]]:
        return CodePlace, ()


def place_of_caller() -> CodePlace:
    """Return the nearest line above that is neither ours nor pydantic's."""
    frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # documented, cheap
    while True:
        module = str(frame.f_globals.get("__name__", ""))
        if not any(module == name or module.startswith(f"{name}.") for name in _PASSED_OVER):
            return CodePlace(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        if frame.f_back is None:
            return CodePlace()
        frame = frame.f_back
