"""``oneml describe``."""

from typing import Unpack

import click

from oneml.habitats.cli.manifest_text import print_manifest
from oneml.habitats.cli.options import (
    SettingsOptions,
    as_json,
    command_line_settings,
    habitat_argument,
    named_habitat,
    settings_options,
)
from oneml.habitats.cli.plan_text import plan_fields, print_plan
from oneml.habitats.cli.printing import print_document
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.sessions.client import PipelineServiceClient


@click.command()
@habitat_argument
@settings_options
@as_json
def describe(habitat: str | None, *, as_json: bool, **options: Unpack[SettingsOptions]) -> None:
    """Show the nodes of HABITAT, what feeds them, its inputs and outputs, and the digests that it is known by.

    The pipeline is defined with the settings in force and those given here; nothing runs, nothing is written. With
    --json the digests are whole, in the form in which an image tells which components it holds ("manifest").
    """
    name = named_habitat(habitat)
    with stdout_kept_for_data():
        preview = PipelineServiceClient().preview(name, command_line=command_line_settings(options))
        manifest = preview.fingerprint.manifest()
    if as_json:
        plan = plan_fields(preview.plan)
        print_document("describe", habitat=name, container=preview.container, **plan, manifest=manifest)
        return
    click.echo(f"{name} is {preview.container}.\n")
    print_plan(preview.plan)
    click.echo()
    print_manifest(manifest)
