"""``oneml run-pipeline``."""

from typing import Unpack

import click

from oneml.habitats.cli.lineage_text import parent_fields, selection_fields, tell_parent
from oneml.habitats.cli.options import (
    RunOptions,
    as_json,
    command_line_settings,
    given_inputs,
    habitat_argument,
    named_habitat,
    progress_options,
    reuse,
    selection,
    session_options,
)
from oneml.habitats.cli.plan_text import plan_fields, print_plan
from oneml.habitats.cli.printing import print_document
from oneml.habitats.cli.results import print_result
from oneml.habitats.cli.running import raise_unless_succeeded, run_session
from oneml.habitats.cli.settings_text import print_settings, setting_fields
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.preview import SessionPreview
from oneml.habitats.settings.layers import Layer
from oneml.habitats.settings.rows import setting_rows
from oneml.habitats.values.json_value import JsonObject


@click.command("run-pipeline")
@habitat_argument
@click.option("--session-id", metavar="ID", help="Id of the new session; it must be unused.")
@session_options
@click.option("--dry-run", is_flag=True, help="Check everything and show the plan; write and run nothing.")
@reuse
@progress_options
@as_json
def run_pipeline(
    habitat: str | None,
    *,
    session_id: str | None,
    dry_run: bool,
    reuse: bool,
    as_json: bool,
    **options: Unpack[RunOptions],
) -> None:
    """Run HABITAT in a new session.

    HABITAT may be left out where ONEML_HABITATS_PIPELINE names it.

    \b
    Examples:
      oneml run-pipeline diamond
      oneml run-pipeline digits-training --set seed=3 --set '//train:retries=2' --engine process
      oneml run-pipeline diamond --engine dask --set engines.dask.address=tcp://scheduler:8786
      oneml run-pipeline diamond --reuse --progress json
      oneml run-pipeline digits-training --from //select --set '//select:retries=2'
      oneml run-pipeline my-pipeline --input table=session:0197f3c2//load.output
    """
    name = named_habitat(habitat)
    inputs = given_inputs(options)
    settings = command_line_settings(options)
    client = PipelineServiceClient()
    if dry_run:
        with stdout_kept_for_data():
            preview = client.preview(name, command_line=settings, inputs=inputs, **selection(options))
        _print_preview(preview, as_json=as_json)
        return
    with stdout_kept_for_data():
        session = client.create_session(
            name, command_line=settings, inputs=inputs, session_id=session_id, **selection(options)
        )
    with session:
        tell_parent(session)
        with stdout_kept_for_data():
            result = run_session(session, options, reuse=reuse)
        print_result(session, result, as_json=as_json)
        raise_unless_succeeded(session, result)


def _print_preview(preview: SessionPreview, *, as_json: bool) -> None:
    rows = setting_rows(preview.settings)
    if as_json:
        plan = plan_fields(preview.plan)
        parent = parent_fields(preview.parent)
        lineage: JsonObject = {"selection": selection_fields(preview.selection), "parent": parent}
        print_document("dry-run", habitat=preview.habitat, settings=setting_fields(rows), **lineage, **plan)
        return
    taken = preview.origins.taken_over if preview.origins is not None else None
    count = len(preview.plan.nodes) - (0 if taken is None else len(taken.commits))
    more = "" if taken is None else f" and take over {len(taken.commits)} from session {taken.parent}"
    click.echo(f"{preview.habitat} would run {count} nodes{more}. Nothing was written.\n")
    print_plan(preview.plan)
    changed = [row for row in rows if row.layer is not Layer.DEFAULT]
    if changed:
        click.echo()
        print_settings(changed)
