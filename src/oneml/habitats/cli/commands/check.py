"""``oneml check``."""

from typing import Unpack

import click

from oneml.habitats.cli.completions import complete_habitat
from oneml.habitats.cli.failures import ReportedError
from oneml.habitats.cli.options import SettingsOptions, as_json, command_line_settings, settings_options
from oneml.habitats.cli.printing import print_document
from oneml.habitats.cli.report_text import report_fields, report_lines
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.sessions.client import PipelineServiceClient


@click.command()
@click.argument("habitats", metavar="HABITAT...", nargs=-1, required=True, shell_complete=complete_habitat)
@settings_options
@as_json
def check(habitats: tuple[str, ...], *, as_json: bool, **options: Unpack[SettingsOptions]) -> None:
    """Find all that is wrong with each HABITAT: its container, settings and pipeline. Nothing runs."""
    client = PipelineServiceClient()
    settings = command_line_settings(options)
    with stdout_kept_for_data():
        reports = [client.validate(name, command_line=settings) for name in habitats]
    if as_json:
        print_document("check", habitats=[report_fields(report) for report in reports])
    else:
        for report in reports:
            click.echo("\n".join(report_lines(report)))
    failed = [report for report in reports if not report.is_sound]
    if failed:
        names = ", ".join(report.habitat for report in failed)
        message = f"{len(failed)} of {len(reports)} habitats cannot be used: {names}."
        raise ReportedError(message, exit_code=max(report.exit_code for report in failed))
