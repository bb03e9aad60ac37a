"""``oneml diff``."""

from collections.abc import Mapping, Sequence

import click

from oneml.habitats.cli.completions import complete_session
from oneml.habitats.cli.drift_text import drifts_text
from oneml.habitats.cli.options import as_json
from oneml.habitats.cli.printing import print_document
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.comparison import SessionComparison, compare_sessions
from oneml.habitats.values.drift import Drift

SECTIONS = ("settings", "graph", "code", "packages", "plan", "outputs")
DRIFTS_SHOWN = 100


@click.command()
@click.argument("first", shell_complete=complete_session)
@click.argument("second", shell_complete=complete_session)
@click.option(
    "--section", "sections", multiple=True, type=click.Choice(SECTIONS), help="Compare this only. Repeatable."
)
@click.option("--exit-code", "exit_code", is_flag=True, help="End with 1 where they differ.")
@as_json
def diff(first: str, second: str, *, sections: tuple[str, ...], exit_code: bool, as_json: bool) -> None:
    """Say in what the session SECOND differs from FIRST: settings, object graph, code, packages, plan and outputs.

    What was recorded is compared; nothing is imported or run.

    \b
    Examples:
      oneml diff 0198c0de 0198c0ff
      oneml diff 0198c0de 0198c0ff --section settings --exit-code
    """
    client = PipelineServiceClient()
    with client.load_session(first) as one, client.load_session(second) as other:
        compared = compare_sessions(one.recorded(), other.recorded())
    wanted = {name: compared.sections[name] for name in SECTIONS if not sections or name in sections}
    if as_json:
        left_out = set(SECTIONS) - set(wanted)
        fields = {name: value for name, value in compared.to_json().items() if name not in left_out}
        print_document("diff", **{**fields, "same": not any(wanted.values())})
    else:
        _print_comparison(compared, wanted)
    if exit_code and any(wanted.values()):
        click.get_current_context().exit(1)


def _print_comparison(compared: SessionComparison, wanted: Mapping[str, Sequence[Drift]]) -> None:
    for side, session in (("first ", compared.first), ("second", compared.second)):
        click.echo(f"{side}  {session.session_id} of {session.habitat}, {session.created_at}: {session.state}")
    click.echo()
    for name, drifts in wanted.items():
        count = "1 difference" if len(drifts) == 1 else f"{len(drifts)} differences"
        click.echo(f"{name}: {count if drifts else 'the same'}")
        if drifts:
            click.echo(drifts_text(drifts[:DRIFTS_SHOWN], ("first", "second"), indent="  "))
        if len(drifts) > DRIFTS_SHOWN:
            click.echo(f"  and {len(drifts) - DRIFTS_SHOWN} more: --json has all")
