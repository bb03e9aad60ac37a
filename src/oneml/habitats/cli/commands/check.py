"""``oneml check``."""

from typing import Unpack

import click

from oneml.habitats.cli.completions import complete_habitat
from oneml.habitats.cli.error_document import error_fields
from oneml.habitats.cli.failures import ReportedError
from oneml.habitats.cli.options import SettingsOptions, as_json, command_line_settings, settings_options
from oneml.habitats.cli.printing import print_document
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.errors import OnemlError
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.values.json_value import JsonObject


@click.command()
@click.argument("habitats", metavar="HABITAT...", nargs=-1, required=True, shell_complete=complete_habitat)
@settings_options
@as_json
def check(habitats: tuple[str, ...], *, as_json: bool, **options: Unpack[SettingsOptions]) -> None:
    """Find all that is wrong with each HABITAT: its container, settings and pipeline. Nothing runs."""
    client = PipelineServiceClient()
    settings = command_line_settings(options)
    problems: dict[str, OnemlError | None] = {}
    sizes: dict[str, int] = {}
    for name in habitats:
        try:
            with stdout_kept_for_data():
                sizes[name] = len(client.preview(name, command_line=settings).plan.nodes)
        except OnemlError as error:
            problems[name] = error
        else:
            problems[name] = None
    if as_json:
        print_document("check", habitats=[_fields(name, error) for name, error in problems.items()])
    else:
        for name, found in problems.items():
            click.echo(f"{name}: {sizes[name]} nodes, no problem found" if found is None else f"{name}: {found}")
    failed = {name: error for name, error in problems.items() if error is not None}
    if failed:
        message = f"{len(failed)} of {len(problems)} habitats cannot be used: {', '.join(failed)}."
        raise ReportedError(message, exit_code=max(error.exit_code for error in failed.values()))


def _fields(habitat: str, error: OnemlError | None) -> JsonObject:
    if error is None:
        return {"habitat": habitat, "problem": None, "error": None}
    return {"habitat": habitat, "problem": str(error), "error": error_fields(error)}
