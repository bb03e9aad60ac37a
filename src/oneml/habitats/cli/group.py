"""The group ``oneml``: its commands by name, and what becomes of errors.

The group can be mounted under another click group, which then shows its errors and ends with its exit codes: every
error of this package leaves as a `click.ClickException`.
"""

import errno
import gc
import sys

import click

from oneml.habitats.cli.failures import EXIT_BACKEND, EXIT_FAILED, EXIT_INTERRUPTED, ReportedError
from oneml.habitats.cli.lazy import LazyCommand, LazyGroup
from oneml.habitats.cli.streams import open_missing_streams
from oneml.habitats.errors import OnemlError, UnsupportedPlatformError

_COMMANDS = "oneml.habitats.cli.commands"

COMMANDS = {
    "list": LazyCommand(f"{_COMMANDS}.list:list_habitats", "List the habitats that are installed."),
    "describe": LazyCommand(f"{_COMMANDS}.describe:describe", "Show the nodes, ports and edges of a habitat."),
    "check": LazyCommand(f"{_COMMANDS}.check:check", "Find what is wrong with habitats, running nothing."),
    "run-pipeline": LazyCommand(f"{_COMMANDS}.run_pipeline:run_pipeline", "Run a habitat in a new session."),
    "run-pipeline-node": LazyCommand(
        f"{_COMMANDS}.run_pipeline_node:run_pipeline_node", "Run one node of an existing session."
    ),
    "output": LazyCommand(f"{_COMMANDS}.output:output", "Show or save what a node published."),
    "sessions": LazyCommand(f"{_COMMANDS}.sessions:sessions", "Create, run, list, show and remove sessions."),
    "settings": LazyCommand(f"{_COMMANDS}.settings:settings", "Show the settings of a habitat."),
    "doctor": LazyCommand(f"{_COMMANDS}.doctor:doctor", "Check this installation."),
}


class OnemlGroup(LazyGroup):
    """The group; where its commands fail, exit codes are those of the errors."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, and turn what it raises into what click shows.

        Raises:
            ReportedError: The command raised an error of this package or of the operating system, was interrupted, or
                would have ended the process.
        """
        open_missing_streams()
        try:
            if sys.platform == "win32":
                raise UnsupportedPlatformError
            return super().invoke(ctx)
        except OnemlError as error:
            _show_traceback(ctx, error)
            raise ReportedError(str(error), exit_code=error.exit_code) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click ends quietly
            _show_traceback(ctx, error)
            message = f"the operating system refused: {error}. oneml --traceback ... shows where"
            raise ReportedError(message, exit_code=EXIT_BACKEND) from error
        except SystemExit as error:  # nothing of ours exits so: it would end as a success that was none
            message = f"the code of a pipeline ended the process: sys.exit({error.code!r})"
            raise ReportedError(message, exit_code=EXIT_FAILED) from error
        except KeyboardInterrupt as error:
            raise ReportedError(message="interrupted", exit_code=EXIT_INTERRUPTED) from error


def _show_traceback(ctx: click.Context, error: Exception) -> None:
    if ctx.params.get("traceback"):
        from traceback import format_exception  # noqa: PLC0415  # only where it was asked for

        click.echo("".join(format_exception(error)), err=True, nl=False)


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001  # click passes it so
    if wanted and not ctx.resilient_parsing:
        from oneml.habitats.habitats.distributions import installed_distributions  # noqa: PLC0415  # seldom needed

        own = installed_distributions().get("oneml-habitats")
        click.echo(f"oneml-habitats {own.version if own else '(not installed)'}")
        ctx.exit()


oneml = OnemlGroup(
    "oneml",
    lazy=COMMANDS,
    text="""Run pipelines that are declared as habitats: named, importable containers.

    Exit codes: 0 done, 1 the pipeline or a node failed, 2 usage, 3 a worker refused, 4 an engine or a store failed,
    130 interrupted.
    """,
    params=[
        click.Option(["--traceback"], is_flag=True, help="Show where in the code an error was raised."),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version and exit.",
        ),
    ],
)


def main() -> None:
    """Run the command line and end the process, whose memory needs no last look for garbage then."""
    try:
        oneml.main(prog_name="oneml")
    finally:
        gc.freeze()
