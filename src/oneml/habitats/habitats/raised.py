"""What an author's code raised: in one line, with the line of the author that it came from, and as a traceback."""

import importlib
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from oneml.habitats.errors import OnemlError
from oneml.habitats.values.place import Place
from oneml.habitats.values.suggestions import nearest_name

_PACKAGE = f"{Path(__file__).parent.parent}/"
_LIBRARIES = frozenset({"dependency_injector", "pydantic", "pydantic_settings", "typing_extensions"})
"""Through which code of this package is called back."""

_CALLERS = frozenset({"asyncio", "bdb", "concurrent", "contextlib", "pdb", "threading"})
"""Through which this package calls bodies."""


def described_error(error: BaseException) -> str:
    """Return class, text and place of an error: ``KeyError: 'k' (/project/pipe/nodes.py:7)``."""
    place = raised_at(error)
    text = str(error)
    if isinstance(error, SyntaxError) and error.filename is not None and error.lineno is not None:
        place = Place(error.filename, error.lineno)
        text = error.msg  # without the name of the file, which has no folder
    text = f"{text.rstrip('.')}{_near(error)}"
    named = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return named if place is None else f"{named} ({place})"


def _near(error: BaseException) -> str:
    """Ask for the nearest name where an attribute was misspelt, as the interpreter does in its tracebacks."""
    if not isinstance(error, AttributeError) or error.obj is None or not isinstance(error.name, str):
        return ""
    try:
        near = nearest_name(error.name, [name for name in dir(error.obj) if not name.startswith("_")])
    except Exception:  # noqa: BLE001  # an object may list its names by code of its own
        return ""
    return "" if near is None else f'. Did you mean "{near}"?'


def raised_at(error: BaseException) -> Place | None:
    """Return the innermost line outside this package, its libraries and the import system; None where there is none."""
    place: Place | None = None
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        library = _top_package(trace) in _LIBRARIES
        is_compiled = "__name__" not in trace.tb_frame.f_globals  # as in frames that Cython makes up
        if not library and not is_compiled and not file.startswith(("<", _PACKAGE)) and file != importlib.__file__:
            place = Place(file, trace.tb_lineno)
        trace = trace.tb_next
    return place


def traceback_text(error: BaseException) -> str:
    """Return the traceback of an error from the first line of the author on; whole where no line of it is theirs.

    Of an interrupt it ends with the line that was interrupted, and not with the handler of this package that raised it.
    Of an error of this package's own to which no line of theirs led, the text alone.
    """
    trace = _of_authors(error)
    if trace is None and isinstance(error, OnemlError) and not any(map(_of_authors, _before(error))):
        return "".join(traceback.format_exception_only(error))
    told = traceback.TracebackException(type(error), error, trace or error.__traceback__, compact=True)
    while isinstance(error, KeyboardInterrupt) and trace is not None and told.stack[-1].filename.startswith(_PACKAGE):
        told.stack.pop()
    return "".join(told.format())


def _of_authors(error: BaseException) -> TracebackType | None:
    trace = error.__traceback__
    while trace is not None and _leads_to_authors(trace):
        trace = trace.tb_next
    return trace


def _before(error: BaseException) -> Iterator[BaseException]:
    """Give the errors that led to one."""
    before = error.__cause__ or error.__context__
    while before is not None:
        yield before
        before = before.__cause__ or before.__context__


def _leads_to_authors(trace: TracebackType) -> bool:
    is_ours = trace.tb_frame.f_code.co_filename.startswith(_PACKAGE)
    return is_ours or _top_package(trace) in _LIBRARIES | _CALLERS


def _top_package(trace: TracebackType) -> str:
    return str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
