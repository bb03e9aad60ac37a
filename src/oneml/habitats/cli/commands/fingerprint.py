"""``oneml fingerprint``."""

from typing import Unpack

import click

from oneml.habitats.cli.completions import complete_habitat
from oneml.habitats.cli.options import (
    SettingsOptions,
    as_json,
    command_line_settings,
    settings_options,
)
from oneml.habitats.cli.printing import print_document, remark
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.errors import UnknownNodeError
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import parse_node_path


@click.command()
@click.argument("habitat", shell_complete=complete_habitat)
@click.argument("node", required=False)
@settings_options
@as_json
def fingerprint(habitat: str, node: str | None, *, as_json: bool, **options: Unpack[SettingsOptions]) -> None:
    """Show the fingerprint that a session of HABITAT, or its NODE, would have: equal ones are proven the same.

    Where something cannot be proven the same in another process there is none: "unproven", with the reasons.

    \b
    Examples:
      oneml fingerprint diamond
      oneml fingerprint diamond //join --set '//join:retries=2'
    """
    path = None if node is None else parse_node_path(node)
    with stdout_kept_for_data():
        preview = PipelineServiceClient().preview(habitat, command_line=command_line_settings(options))
        if path is not None and path not in preview.plan.nodes:
            raise UnknownNodeError(node=path, known=list(preview.plan.nodes))
        found = preview.fingerprint
        if path is None:
            digest, unproven = found.digest, found.unproven
        else:
            digest, _, unproven = found.node(path)
        nodes: dict[str, JsonValue] = {
            one: found.node(one).fingerprint for one in preview.plan.nodes if path in {None, one}
        }
    if as_json:
        print_document(
            "fingerprint", habitat=habitat, node=path, fingerprint=digest, unproven=list(unproven), nodes=nodes
        )
        return
    click.echo(digest or "unproven")
    for reason in unproven:
        remark(f"unproven: {reason}")
