"""``oneml graph``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from oneml.habitats.cli.completions import complete_session
from oneml.habitats.cli.named_files import writing
from oneml.habitats.cli.options import (
    SettingsOptions,
    as_json,
    command_line_settings,
    habitat_argument,
    named_habitat,
    settings_options,
)
from oneml.habitats.cli.printing import document_goes_out, remark
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.graph.drawing.layout import Direction
from oneml.habitats.graph.drawing.plan_diagram import PlanView
from oneml.habitats.graph.drawing.rendering import Format, render
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.diagrams import preview_diagram, preview_objects, session_diagram, session_objects

if TYPE_CHECKING:
    from oneml.habitats.graph.drawing.diagram import Diagram

_SUFFIXES = {
    ".mmd": Format.MERMAID,
    ".mermaid": Format.MERMAID,
    ".dot": Format.DOT,
    ".gv": Format.DOT,
    ".svg": Format.SVG,
    ".png": Format.PNG,
    ".json": Format.JSON,
}


@click.command()
@habitat_argument
@click.option(
    "--session",
    metavar="ID",
    shell_complete=complete_session,
    help="Draw this session, with the states of its nodes, instead of a habitat.",
)
@click.option("--objects", is_flag=True, help="Draw the objects: what is injected where, what keeps it, overrides.")
@click.option(
    "--format",
    "form",
    type=click.Choice([each.value for each in Format]),
    help="What is written; else the suffix of FILE tells, else mermaid.",
)
@as_json
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output.",
)
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    help="Fold what stands in more namespaces than this into one box for each; else as far as is readable, or not at "
    "all with --expand.",
)
@click.option("--expand", is_flag=True, help="Draw each member of a fan-out as a box of its own.")
@click.option(
    "--direction",
    type=click.Choice([each.value for each in Direction]),
    default=Direction.AUTO.value,
    show_default=True,
    help="Where links lead.",
)
@settings_options
def graph(
    habitat: str | None,
    *,
    session: str | None,
    objects: bool,
    form: str | None,
    as_json: bool,
    output: Path | None,
    depth: int | None,
    expand: bool,
    direction: str,
    **options: Unpack[SettingsOptions],
) -> None:
    """Draw the nodes of HABITAT, or of a session with their states; or the objects behind them.

    Nothing runs, and no other program is needed; png needs the extra "images". With many nodes, namespaces are folded.

    \b
    Examples:
      oneml graph digits-training
      oneml graph digits-training --objects -o objects.svg
      oneml graph --session 0199c3f2 -o session.png
    """
    if as_json and form not in {None, Format.JSON.value}:
        message = f"--json and --format {form} are two formats: give one."
        raise click.UsageError(message)
    wanted = Format.JSON if as_json else _format(form, output)
    if wanted is Format.PNG and output is None and _stdout_is_terminal():
        message = "A PNG is no text for a terminal. Name a file: -o graph.png."
        raise click.UsageError(message)
    view = PlanView(depth, expand)
    with stdout_kept_for_data():
        diagram = (
            _of_habitat(named_habitat(habitat), view, options, objects=objects)
            if session is None
            else _of_session(session, habitat, view, options, objects=objects)
        )
        content = render(diagram, wanted, direction=Direction(direction))
    if output is not None:
        with writing(output):
            output.write_bytes(content)
        remark(f"{output}: {len(diagram.boxes)} boxes, {len(diagram.links)} links.")
        return
    document_goes_out()
    click.echo(content, nl=False)


def _stdout_is_terminal() -> bool:
    return sys.stdout.isatty()


def _format(form: str | None, output: Path | None) -> Format:
    if form is not None:
        return Format(form)
    if output is None:
        return Format.MERMAID
    found = _SUFFIXES.get(output.suffix.lower())
    if found is None:
        message = f"{output.name}: its suffix tells no format. Known: {', '.join(_SUFFIXES)}. Or give --format."
        raise click.UsageError(message)
    return found


def _of_habitat(name: str, view: PlanView, options: SettingsOptions, *, objects: bool) -> "Diagram":
    preview = PipelineServiceClient().preview(name, command_line=command_line_settings(options))
    return preview_objects(preview, depth=view.depth) if objects else preview_diagram(preview, view)


def _of_session(
    text: str, habitat: str | None, view: PlanView, options: SettingsOptions, *, objects: bool
) -> "Diagram":
    if any(options.values()):
        message = "The settings of a session are what it was created with. Give settings with a habitat."
        raise click.UsageError(message)
    with PipelineServiceClient().load_session(text) as session:
        if habitat not in {None, session.habitat}:
            message = f"Session {session.session_id} is one of {session.habitat}, not of {habitat}: name only one."
            raise click.UsageError(message)
        return session_objects(session, depth=view.depth) if objects else session_diagram(session, view)
