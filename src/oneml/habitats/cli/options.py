"""Options and arguments that several commands share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar

import click

from oneml.habitats.cli.completions import complete_engine, complete_habitat, complete_session
from oneml.habitats.errors import InvalidDocumentError

if TYPE_CHECKING:
    from oneml.habitats.settings.sources import CommandLineSettings

Callback = TypeVar("Callback", bound=Callable[..., object])

HABITAT_VARIABLE = "ONEML_HABITATS_PIPELINE"
SESSION_VARIABLE = "ONEML_PIPELINE_SESSION_ID"
INPUT_MAX_BYTES = 64 << 20
SESSION_PREFIX = "session:"
EXAMPLE_MAX_CHARACTERS = 40

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
reuse = click.option(
    "--reuse",
    is_flag=True,
    help="Take over the outputs of nodes that another session of this store computed from the same code, settings "
    "and inputs.",
)
isolated = click.option("--isolated", is_flag=True, help="Give each node a process of its own.")
habitat_argument = click.argument("habitat", envvar=HABITAT_VARIABLE, required=False, shell_complete=complete_habitat)


class SettingsOptions(TypedDict):
    """Settings that the command line gives."""

    assignments: tuple[str, ...]
    settings_file: Path | None
    engine: str | None
    workers: int | None
    isolated: bool


class SelectionOptions(TypedDict):
    """Which part of a pipeline a new session has, and where it takes from what the rest computes."""

    start_at: tuple[str, ...]
    stop_at: tuple[str, ...]
    only: tuple[str, ...]
    parent: str | None


class SessionOptions(SettingsOptions, SelectionOptions):
    """All that the command line gives to a new session."""

    inputs: tuple[str, ...]


class ProgressOptions(TypedDict):
    """How the progress of a run is shown."""

    quiet: bool
    shown: str
    events_file: Path | None


class RunOptions(SessionOptions, ProgressOptions):
    """All that the command line gives to a new session that is run at once."""


def progress_options(command: Callback) -> Callback:
    """Give a command the options of `ProgressOptions`."""
    return _with_options(
        command,
        click.option(
            "--quiet", "-q", is_flag=True, help="Show neither progress nor what nodes print, as --progress none."
        ),
        click.option(
            "--progress",
            "shown",
            type=click.Choice(["auto", "plain", "json", "none"]),
            default="auto",
            show_default=True,
            help="How progress, and what nodes print, is shown on standard error: a bar on a terminal and lines "
            "elsewhere, lines, events as one JSON object a line, or not at all. Child processes of nodes that run in "
            "this process print beside that.",
        ),
        click.option(
            "--events-file",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Append events to a file, too, as one JSON object a line and nothing else.",
        ),
    )


def settings_options(command: Callback) -> Callback:
    """Give a command the options of `SettingsOptions`."""
    return _with_options(
        command,
        click.option(
            "--set",
            "assignments",
            multiple=True,
            metavar="NAME=VALUE",
            help="Set a setting of the session, or of a node or namespace: '//train:lr=0.1'. Repeatable.",
        ),
        click.option(
            "--settings",
            "settings_file",
            metavar="FILE",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help='Read settings from a TOML file; those of nodes stand in [nodes."//train"].',
        ),
        click.option(
            "--engine",
            metavar="NAME",
            shell_complete=complete_engine,
            help="The engine that runs nodes: in-process, process, dask, ray, slurm.",
        ),
        click.option("--workers", type=click.IntRange(min=1), help="How many nodes may run at once."),
        isolated,
    )


def session_options(command: Callback) -> Callback:
    """Give a command the options of `SessionOptions`."""
    inputs = click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="PORT=JSON|@FILE|session:ID//NODE.PORT",
        help="Give an input of the pipeline: JSON, a file (parsed if it ends in .json), or an output of another "
        "session. Repeatable.",
    )
    return settings_options(inputs(_selection_options(command)))


def _selection_options(command: Callback) -> Callback:
    """Give a command the options of `SelectionOptions`."""
    return _with_options(
        command,
        click.option(
            "--from",
            "start_at",
            multiple=True,
            metavar="PATH",
            help="Run this node, fan-out or namespace "
            "and all below it; what flows in from above is taken over from a parent session. Repeatable.",
        ),
        click.option(
            "--to",
            "stop_at",
            multiple=True,
            metavar="PATH",
            help="Run nothing but this and what is above it. Repeatable.",
        ),
        click.option(
            "--only",
            multiple=True,
            metavar="PATH",
            help="Run this alone; what flows in is taken over as for --from. Repeatable.",
        ),
        click.option(
            "--parent",
            metavar="SESSION",
            shell_complete=complete_session,
            help="The session to take over from; the newest one that has what is needed unless given.",
        ),
    )


def _with_options(command: Callback, *options: Callable[[Callback], Callback]) -> Callback:
    """Give a command options, shown in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def selection(options: SelectionOptions) -> SelectionOptions:
    """Return which part of a pipeline the options ask for."""
    return {
        "start_at": options["start_at"],
        "stop_at": options["stop_at"],
        "only": options["only"],
        "parent": options["parent"],
    }


def command_line_settings(options: SettingsOptions) -> "CommandLineSettings":
    """Return the settings among the options."""
    from oneml.habitats.settings.sources import CommandLineSettings  # noqa: PLC0415  # not for every command

    assignments = list(options["assignments"])
    for name in ("engine", "workers"):
        value = options[name]
        if value is not None:
            assignments.append(f"{name}={value}")
    if options["isolated"]:
        assignments.append("isolated=true")
    return CommandLineSettings(file=options["settings_file"], assignments=tuple(assignments))


def given_inputs(options: SessionOptions) -> Mapping[str, object]:
    """Return the inputs among the options, by name.

    Raises:
        click.UsageError: One is of no form that there is, is given twice, or has no readable file.
        InvalidDocumentError: It is no JSON.
    """
    found: dict[str, object] = {}
    for text in options["inputs"]:
        name, equals, value = text.partition("=")
        if not (name and equals):
            message = f"--input {text}: write --input PORT=JSON, PORT=@FILE or PORT=session:ID//NODE.PORT."
            raise click.UsageError(message)
        if name in found:
            message = f"--input {name}: this input is given twice."
            raise click.UsageError(message)
        if value.startswith("@"):
            found[name] = _file_value(name, Path(value[1:]))
        elif value.startswith(SESSION_PREFIX):
            found[name] = _session_output(name, value.removeprefix(SESSION_PREFIX))
        else:
            found[name] = _json_value(name, value)
    return found


def named_habitat(habitat: str | None) -> str:
    """Return the habitat that was named.

    Raises:
        click.UsageError: None was.
    """
    if not habitat:
        message = f"Name a habitat, or set {HABITAT_VARIABLE}. See which there are: oneml list."
        raise click.UsageError(message)
    return habitat


def _json_value(name: str, text: str) -> object:
    import json  # noqa: PLC0415  # seldom needed
    import shlex  # noqa: PLC0415  # likewise

    from oneml.habitats.values.json_value import strict_json  # noqa: PLC0415  # likewise

    try:
        return strict_json(text.encode(errors="surrogateescape"), what=f"input {name}", limit_bytes=INPUT_MAX_BYTES)
    except InvalidDocumentError as error:
        example = '"some text"' if len(text) > EXAMPLE_MAX_CHARACTERS else json.dumps(text, ensure_ascii=False)
        quoted = shlex.quote(f"{name}={example}")
        message = f"--input {name}: {text[:40]!r} is no JSON. A text stands in quotes: --input {quoted}."
        raise click.UsageError(message) from error


def _session_output(name: str, text: str) -> object:
    from oneml.habitats.values.lineage import SessionOutput  # noqa: PLC0415  # seldom needed

    session_id, slashes, rest = text.partition("//")
    node, dot, port = rest.partition(".")
    if not (session_id and slashes and node) or (dot and not port):
        message = f"--input {name}: write {name}={SESSION_PREFIX}ID//NODE or {name}={SESSION_PREFIX}ID//NODE.PORT."
        raise click.UsageError(message)
    return SessionOutput(session_id, f"//{node}", port or None)


def _file_value(name: str, path: Path) -> object:
    from oneml.habitats.values.json_value import strict_json  # noqa: PLC0415  # seldom needed

    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"--input {name}: {path} cannot be read: {error.strerror}."
        raise click.UsageError(message) from error
    if path.suffix != ".json":
        return data
    return strict_json(data, what=f"file {path} of input {name}", limit_bytes=INPUT_MAX_BYTES)
