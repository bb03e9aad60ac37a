"""``oneml reproduce``."""

import sys

import click

from oneml.habitats.cli.completions import complete_node, complete_session
from oneml.habitats.cli.failures import EXIT_FAILED, ReportedError
from oneml.habitats.cli.leaving import leaving_fails
from oneml.habitats.cli.options import as_json
from oneml.habitats.cli.printing import one_line, print_document, print_table, remark
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.reproduction import Debug, PortComparison, Reproduction
from oneml.habitats.values.node_path import parse_node_path
from oneml.habitats.values.outcome import PortRecord

DIGEST_SHOWN_CHARACTERS = 12


@click.command()
@click.argument("session", shell_complete=complete_session)
@click.argument("node", shell_complete=complete_node)
@click.option("--pdb", "debug", is_flag=True, help="Stop in the debugger at the first line, and where it raises.")
@as_json
def reproduce(session: str, node: str, *, debug: bool, as_json: bool) -> None:
    """Compute NODE of SESSION once more, here, with its recorded inputs, and compare what comes out.

    Nothing is written to the store. Ends with 0 if every output is the same, byte for byte (or the same error is
    raised), with 1 if not, and with 3 if what is here is not what the session was created with.

    \b
    Examples:
      oneml reproduce 0198c0de //train
      oneml reproduce 0198c0de //train --pdb
    """
    path = parse_node_path(node)
    told = f"{path} was not reproduced: its body has ended this process by os._exit(0)"
    with PipelineServiceClient().load_session(session) as found, stdout_kept_for_data(), leaving_fails(told):
        result = found.reproduce(path, debug=_debugger() if debug else None)
    if as_json:
        print_document("reproduction", **result.to_json())
    else:
        _print_result(result)
    if not result.same:
        message = f"{path} of session {result.session_id} came out otherwise here: {_difference(result)}"
        raise ReportedError(message, exit_code=EXIT_FAILED)


def _debugger() -> Debug:
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        message = "--pdb needs a terminal: standard input and standard error must be one."
        raise click.UsageError(message)
    from oneml.habitats.cli.debugging import debugged  # noqa: PLC0415  # only where it was asked for

    return debugged


def _print_result(result: Reproduction) -> None:
    if result.error is not None:
        remark(f"{result.node} raised here:\n{result.error.traceback.rstrip()}\n")
    told = "the same" if result.same else "not the same"
    then = f" as in attempt {result.attempt}" if result.attempt else ""
    source = "" if result.reused_from is None else f", which it reused from {result.reused_from}"
    took = f"{result.seconds:.3f} s here"
    if result.recorded_seconds is not None:
        took += f", {result.recorded_seconds:.3f} s then"
    click.echo(f"{result.node} of session {result.session_id}: {told}{then}{source} ({took}).")
    if result.ports:
        click.echo()
        rows = [(one.port, one.status.value, _known(one.recorded), _known(one.found), one.note) for one in result.ports]
        print_table(("PORT", "RESULT", "RECORDED", "HERE", ""), rows)


def _known(record: PortRecord | None) -> str:
    if record is None:
        return "-"
    return f"{record.digest[:DIGEST_SHOWN_CHARACTERS]} {record.serializer}, {record.size} B"


def _difference(result: Reproduction) -> str:
    if result.error is not None:
        then = result.recorded_error
        recorded = (
            f"{then.type} was recorded" if then is not None else f"it {result.recorded_state or 'has not run'} then"
        )
        return f"{one_line(result.error.summary())}, and {recorded}."
    if result.recorded_error is not None:
        return f"it raises nothing, and {result.recorded_error.type} was recorded."
    return "; ".join(_port_text(one) for one in result.ports if one.status != "same") or "nothing was recorded of it."


def _port_text(one: PortComparison) -> str:
    return f"output {one.port} is {one.status.value.replace('-', ' ')}{one.note and ' ('}{one.note}{one.note and ')'}"
