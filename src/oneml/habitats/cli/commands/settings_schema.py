"""``oneml settings schema``."""

import click

from oneml.habitats.cli.completions import complete_habitat
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.habitats.registry import HabitatRegistry


@click.command()
@click.argument("habitat", shell_complete=complete_habitat)
@click.option(
    "--for",
    "file",
    type=click.Choice(["session", "project"]),
    default="session",
    show_default=True,
    help="The file to describe: that of --settings, or oneml.toml of a working directory.",
)
@click.option("--json", "_", is_flag=True, expose_value=False, help="As without it: a schema is JSON.")
def schema(habitat: str, file: str) -> None:
    """Print the JSON Schema of a settings file of HABITAT.

    It gives editors completion and checks. Save it beside the file, and begin the file with a line that names it:

    \b
      oneml settings schema diamond > settings.schema.json
      #:schema ./settings.schema.json
    """
    import json  # noqa: PLC0415  # only here

    from oneml.habitats.settings.json_schema import settings_json_schema  # noqa: PLC0415  # only here

    with stdout_kept_for_data():
        model = HabitatRegistry().load(habitat).settings_model()
    described = settings_json_schema(habitat, model, "project" if file == "project" else "session")
    click.echo(json.dumps(described, indent=2, ensure_ascii=False))
