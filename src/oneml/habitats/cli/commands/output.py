"""``oneml output``."""

import json
import shutil
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import click

from oneml.habitats.cli.completions import complete_node, complete_session
from oneml.habitats.cli.failures import EXIT_USAGE, ReportedError
from oneml.habitats.cli.named_files import writing
from oneml.habitats.cli.options import as_json
from oneml.habitats.cli.printing import LINE_MAX_CHARACTERS, print_document, print_table, remark
from oneml.habitats.cli.published import JSON, TEXT, Published, published
from oneml.habitats.data.streams import JSON_LINES
from oneml.habitats.errors import UnknownPortError
from oneml.habitats.ports.artifact_store import Blob
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.values.node_path import parse_node_path
from oneml.habitats.values.outcome import PortRecord
from oneml.habitats.values.suggestions import known_names


@click.command()
@click.argument("session", shell_complete=complete_session)
@click.argument("node", shell_complete=complete_node)
@click.argument("port", required=False)
@click.option("--to", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write the bytes there.")
@as_json
def output(session: str, node: str, port: str | None, *, to: Path | None, as_json: bool) -> None:
    """Show what NODE of SESSION published on PORT.

    PORT may be left out where there is only one; of several, all are listed. A text is printed as it is, a value of
    JSON as JSON, and anything else (images, tables, models) as the bytes that are stored.
    """
    path = parse_node_path(node)
    client = PipelineServiceClient()
    with client.load_session(session) as found:
        records = found.ports(path)
        if port is not None and port not in records:
            raise UnknownPortError(node=path, port=port, known=sorted(records))
        wanted = sorted(records) if port is None else [port]
        if to is not None and len(wanted) != 1:
            message = f"--to takes one port of {path}. {known_names('', wanted)}"
            raise click.UsageError(message)
        if as_json:
            ports = {name: published(found, path, name).fields() for name in wanted}
            print_document("output", node=path, ports=ports)
        elif not wanted:
            remark(f"{path} has succeeded and publishes nothing.")
        elif len(wanted) != 1:
            every = [published(found, path, name, read_max_bytes=4 * LINE_MAX_CHARACTERS) for name in wanted]
            print_table(("PORT", "VALUE"), [(each.port, each.line(session)) for each in every])
        elif to is not None:
            _save(_opened(client, records[wanted[0]]), to)
        elif records[wanted[0]].serializer in {TEXT, JSON}:
            _print_value(published(found, path, wanted[0]))
        else:
            _print_bytes(_opened(client, records[wanted[0]]), records[wanted[0]])


def _opened(client: PipelineServiceClient, record: PortRecord) -> AbstractContextManager[BinaryIO]:
    return client.store.open_blob(Blob(record.digest, record.size, record.inline))


def _print_value(found: Published) -> None:
    if isinstance(found.value, str):
        click.echo(found.value, nl=not found.value.endswith("\n"))
    else:
        click.echo(json.dumps(found.value, indent=2, ensure_ascii=False))


def _print_bytes(opened: AbstractContextManager[BinaryIO], record: PortRecord) -> None:
    if sys.stdout.isatty() and record.serializer != JSON_LINES:
        message = f"{record.size} bytes of {record.serializer} are nothing for a terminal. Use --to FILE, or a pipe."
        raise ReportedError(message, exit_code=EXIT_USAGE)
    with opened as stream:
        shutil.copyfileobj(stream, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _save(opened: AbstractContextManager[BinaryIO], to: Path) -> None:
    with opened as stream, writing(to), to.open("wb") as file:
        shutil.copyfileobj(stream, file)
