"""``oneml settings``."""

from typing import Unpack

import click

from oneml.habitats.cli.commands.settings_explain import explain
from oneml.habitats.cli.commands.settings_schema import schema
from oneml.habitats.cli.completions import complete_habitat
from oneml.habitats.cli.lazy import LazyGroup
from oneml.habitats.cli.options import SettingsOptions, as_json, command_line_settings, settings_options
from oneml.habitats.cli.printing import print_document
from oneml.habitats.cli.settings_text import print_settings, setting_fields
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.errors import UnknownNodeError
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.settings.rows import setting_rows
from oneml.habitats.values.node_path import parse_node_path

settings = LazyGroup(
    "settings", lazy={}, text="Show the settings of a habitat, explain them, and help editors with their files."
)


@settings.command()
@click.argument("habitat", shell_complete=complete_habitat)
@click.argument("node", required=False)
@settings_options
@as_json
def show(habitat: str, node: str | None, *, as_json: bool, **options: Unpack[SettingsOptions]) -> None:
    """Show every setting that a session of HABITAT, or its NODE, would have.

    Where each comes from stands beside it; `oneml settings explain` says what it hides.
    """
    path = None if node is None else parse_node_path(node)
    with stdout_kept_for_data():
        preview = PipelineServiceClient().preview(habitat, command_line=command_line_settings(options))
    plan = preview.plan
    if path is not None and path not in plan.nodes:
        raise UnknownNodeError(node=path, known=list(plan.nodes))
    author = None if path is None else plan.node_settings.get(path)
    rows = setting_rows(preview.settings, path, author)
    if as_json:
        print_document("settings", habitat=habitat, node=path, settings=setting_fields(rows))
    else:
        print_settings(rows)


settings.add_command(explain)
settings.add_command(schema)
