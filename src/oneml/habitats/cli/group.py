"""The group ``oneml``: its commands by name, and what becomes of errors.

The group can be mounted under another click group, which then shows its errors and ends with its exit codes: every
error of this package leaves as a `click.ClickException`.
"""

import errno
import gc
import sys
from collections.abc import Sequence

import click

from oneml.habitats.cli.failures import (
    EXIT_BACKEND,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    ReaderGoneError,
    ReportedError,
)
from oneml.habitats.cli.hanging import end_at_once_where_something_hangs
from oneml.habitats.cli.lazy import LazyCommand, LazyGroup
from oneml.habitats.cli.streams import let_every_name_pass, open_missing_streams, silence_broken_streams
from oneml.habitats.errors import OnemlError, UnsupportedPlatformError

_COMMANDS = "oneml.habitats.cli.commands"

COMMANDS = {
    "new": LazyCommand(f"{_COMMANDS}.new:new", "Write a new pipeline package that runs."),
    "list": LazyCommand(f"{_COMMANDS}.list:list_habitats", "List the habitats that are installed."),
    "describe": LazyCommand(f"{_COMMANDS}.describe:describe", "Show the nodes, ports and edges of a habitat."),
    "graph": LazyCommand(f"{_COMMANDS}.graph:graph", "Draw the nodes of a habitat or a session, or its objects."),
    "check": LazyCommand(f"{_COMMANDS}.check:check", "Find what is wrong with habitats, running nothing."),
    "run-pipeline": LazyCommand(f"{_COMMANDS}.run_pipeline:run_pipeline", "Run a habitat in a new session."),
    "run-pipeline-node": LazyCommand(
        f"{_COMMANDS}.run_pipeline_node:run_pipeline_node", "Run one node of an existing session."
    ),
    "prove": LazyCommand(f"{_COMMANDS}.prove:prove", "Make a worker's check of one node, running nothing."),
    "reproduce": LazyCommand(f"{_COMMANDS}.reproduce:reproduce", "Compute a node once more here, and compare."),
    "fingerprint": LazyCommand(f"{_COMMANDS}.fingerprint:fingerprint", "Show what a habitat or a node is known by."),
    "diff": LazyCommand(f"{_COMMANDS}.diff:diff", "Say in what two sessions differ."),
    "output": LazyCommand(f"{_COMMANDS}.output:output", "Show or save what a node published."),
    "sessions": LazyCommand(
        f"{_COMMANDS}.sessions:sessions", "Create, run, watch, revise, list, show and remove sessions."
    ),
    "settings": LazyCommand(f"{_COMMANDS}.settings:settings", "Show and explain the settings of a habitat."),
    "completion": LazyCommand(
        f"{_COMMANDS}.completion:completion", "Make a shell complete commands, habitats and sessions."
    ),
    "doctor": LazyCommand(f"{_COMMANDS}.doctor:doctor", "Check this installation."),
}


class OnemlGroup(LazyGroup):
    """The group; where its commands fail, exit codes are those of the errors."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options of the group, which shows its help on the way.

        Raises:
            ReportedError: The operating system refused something, or somebody interrupted.
            ReaderGoneError: Nobody reads the output any more.
        """
        try:
            return super().parse_args(ctx, args)
        except OSError as error:
            if error.errno == errno.EPIPE and silence_broken_streams():
                raise ReaderGoneError from error
            raise _refused_by_system(ctx, error) from error
        except KeyboardInterrupt as error:
            raise ReportedError(message="interrupted", exit_code=EXIT_INTERRUPTED) from error

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, and turn what it raises into what click shows; ``--json`` gives it as a document, too.

        Raises:
            ReportedError: The command raised an error of this package or of the operating system, was interrupted, or
                would have ended the process.
            ReaderGoneError: Nobody reads the output any more.
            click.ClickException: It was called wrongly.
        """
        open_missing_streams()
        let_every_name_pass()
        wants_document = _wants_document(ctx.args)
        try:
            try:
                return self._invoke(ctx)
            except click.ClickException as error:
                if wants_document:
                    from oneml.habitats.cli.error_document import print_error_document  # noqa: PLC0415  # seldom needed

                    print_error_document(error)
                raise
        except OSError as error:
            if error.errno == errno.EPIPE and silence_broken_streams():
                raise ReaderGoneError from error
            raise _refused_by_system(ctx, error) from error

    def _invoke(self, ctx: click.Context) -> object:
        try:
            if sys.platform == "win32":
                raise UnsupportedPlatformError
            return super().invoke(ctx)
        except OnemlError as error:
            _show_traceback(ctx, error)
            raise ReportedError(str(error), exit_code=error.exit_code) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            raise _refused_by_system(ctx, error) from error
        except SystemExit as error:  # nothing of ours exits so: it would end as a success that was none
            message = f"the code of a pipeline ended the process: sys.exit({error.code!r})"
            raise ReportedError(message, exit_code=EXIT_FAILED) from error
        except KeyboardInterrupt as error:
            raise ReportedError(message="interrupted", exit_code=EXIT_INTERRUPTED) from error


def _wants_document(args: Sequence[str]) -> bool:
    """Tell whether ``--json`` stands among the arguments of a command, also of one that is called wrongly."""
    options = args[: args.index("--")] if "--" in args else args
    return "--json" in options


def _refused_by_system(ctx: click.Context, error: OSError) -> ReportedError:
    _show_traceback(ctx, error)
    message = f"the operating system refused: {error}. oneml --traceback ... shows where"
    return ReportedError(message, exit_code=EXIT_BACKEND)


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
    130 interrupted, 141 the reader of the output went away. With --json an error is a document, too.
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
    except SystemExit as ending:
        end_at_once_where_something_hangs(ending.code)
        raise
    finally:
        gc.freeze()
