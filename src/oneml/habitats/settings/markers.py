"""Markers by which authors say whether a setting has a part in the identity of results."""

from collections.abc import Iterator
from typing import Annotated, TypeAlias, Union, cast, get_args, get_origin

from pydantic.fields import FieldInfo
from typing_extensions import override


class Marker:
    """Stands in ``Annotated`` beside the type of a setting; there is one object of each.

    Args:
        name: Of the marker in this module.
    """

    __slots__ = ("__name__",)

    def __init__(self, name: str) -> None:
        self.__name__ = name

    @override
    def __repr__(self) -> str:
        return self.__name__

    @override
    def __reduce__(self) -> str:
        # Copies and pickles of a model's fields lead back to this very object.
        return self.__name__


execution_only = Marker("execution_only")
"""The setting decides how or where a node runs, and has no influence on results: ``Annotated[str, execution_only]``.

It is left out of the keys by which results are used again; of a model it holds for everything inside it.
"""

part_of_identity = Marker("part_of_identity")
"""The secret decides about results, so another one is another result: ``Annotated[SecretStr, part_of_identity]``.

Other secrets are left out of the keys by which results are used again; of a model it holds for every secret inside it.
"""

merged_tables = Marker("merged_tables")
"""The setting is a mapping of tables by name, whose entries merge across layers, each with an origin of its own.

Other mappings replace each other as a whole.
"""

Markers: TypeAlias = frozenset[Marker]


def markers_of(field: FieldInfo) -> Markers:
    """Return the markers at a field, also those that stand inside a union: ``Annotated[str, ...] | None``."""
    metadata = cast("list[object]", field.metadata)
    return frozenset(item for item in (*metadata, *_inside(field.annotation)) if isinstance(item, Marker))


def _inside(annotation: object) -> Iterator[object]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        yield from metadata
        yield from _inside(inner)
    elif origin in _UNIONS:
        for member in get_args(annotation):
            yield from _inside(member)


_UNIONS: frozenset[object] = frozenset({Union, get_origin(int | str)})
