"""What commands print: documents and tables on standard output, remarks on standard error."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from oneml.habitats.values.json_value import JsonValue


LINE_MAX_CHARACTERS = 200

_PRINTED = "oneml.habitats.document"


def one_line(text: str) -> str:
    """Return ``text`` as far as it fits into a line of a table or of a report."""
    line = " ".join(text.split())
    return line if len(line) <= LINE_MAX_CHARACTERS else f"{line[: LINE_MAX_CHARACTERS - 3]}..."


def print_document(what: str, **fields: "JsonValue") -> None:
    """Print the one JSON document of a command.

    Args:
        what: Its schema is ``oneml.<what>/1``.
        fields: Its members after ``schema``.
    """
    import json  # noqa: PLC0415  # only where JSON was asked for

    document = {"schema": f"oneml.{what}/1", **fields}
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    document_goes_out()
    click.echo(text)


def document_goes_out() -> None:
    """Remember that the command gives its answer, so that no document of an error follows on standard output."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[_PRINTED] = True


def document_is_printed() -> bool:
    """Tell whether the command that runs has printed its document, so that no second one may follow."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_PRINTED))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below a head, or without one, in columns as wide as they need; the last column is not padded."""
    lines = [tuple(head), *rows] if head else list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo(padded.rstrip())


def remark(text: str) -> None:
    """Print a line for the person who looks on."""
    click.echo(text, err=True)
