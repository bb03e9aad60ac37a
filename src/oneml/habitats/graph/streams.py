"""Streams: results that a body yields item by item, written once while they come.

A handle of such a result may feed an ``Iterator[T]``, which reads items as it is asked for them, and a ``Sequence[T]``,
which holds them all.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

T_co = TypeVar("T_co", covariant=True)

_YIELDED: tuple[object, ...] = (Generator, Iterator, AsyncGenerator, AsyncIterator)
_UNIONS: tuple[object, ...] = (Union, UnionType)
_READ: tuple[object, ...] = (Generator, Iterator)


class Stream(Iterator[T_co], Sequence[T_co]):
    """What type checkers see of the result of a body that yields items; there is no such object."""


def stream_form(annotation: object) -> object | None:
    """Return ``Stream[T]`` for the annotation of a result that is yielded; None for every other."""
    bare: object = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if bare not in _YIELDED and get_origin(bare) not in _YIELDED:
        return None
    return stream_of(next(iter(get_args(bare)), Any))


def stream_of(item: object) -> object:
    """Return ``Stream[item]``."""
    return cast("Any", Stream)[item]


def is_stream(form: object) -> bool:
    """Tell whether the form of an output is that of a stream."""
    return get_origin(form) is Stream


def is_read_once(form: object) -> bool:
    """Tell whether an input wants an iterator, which reads items as it is asked for them."""
    bare = without_none(form)
    return bare in _READ or get_origin(bare) in _READ


def item_form(form: object) -> object:
    """Return the form of the items that an input wants; ``object`` where it says nothing of them."""
    arguments = get_args(without_none(form))
    return arguments[0] if arguments else object


def without_none(form: object) -> object:
    """Return the one type that a value is read as where it may be None, too; every other form as it is."""
    bare: object = get_args(form)[0] if get_origin(form) is Annotated else form
    if get_origin(bare) not in _UNIONS:
        return bare
    members = [member for member in get_args(bare) if member is not type(None)]
    return without_none(members[0]) if len(members) == 1 else bare
