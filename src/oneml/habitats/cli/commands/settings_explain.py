"""``oneml settings explain``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Unpack

import click

from oneml.habitats.cli.completions import complete_habitat, complete_session
from oneml.habitats.cli.options import SettingsOptions, as_json, command_line_settings, settings_options
from oneml.habitats.cli.printing import print_document
from oneml.habitats.cli.settings_text import explanation_fields, explanation_lines, field_lines
from oneml.habitats.cli.streams import stdout_kept_for_data
from oneml.habitats.errors import UnknownNodeError
from oneml.habitats.sessions.client import PipelineServiceClient
from oneml.habitats.sessions.explaining import session_explanations
from oneml.habitats.sessions.included_records import container_of
from oneml.habitats.settings.explanations import Explanation, setting_explanations
from oneml.habitats.settings.field_text import field_text
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.settings.resolve import GivenSettings, resolve_session
from oneml.habitats.settings.shapes import find_setting
from oneml.habitats.settings.signing_key import signing_key
from oneml.habitats.settings.sources import CommandLineSettings, ProcessSources
from oneml.habitats.values.include_paths import part_of
from oneml.habitats.values.node_path import ROOT, NodePath, parse_node_path

WORDS_MAX = 2


class Wanted(NamedTuple):
    """What is to be explained.

    Attributes:
        habitat: Name of the habitat.
        path: The node; None for the session.
        field: Dotted name; None for every setting.
    """

    habitat: str
    path: NodePath | None
    field: str | None

    @property
    def names(self) -> Sequence[str] | None:
        """The names to ask for; None for all."""
        return None if self.field is None else [self.field]


@click.command()
@click.argument("habitat", shell_complete=complete_habitat)
@click.argument("words", metavar="[NODE] [FIELD]", nargs=-1)
@click.option(
    "--session",
    "session_id",
    metavar="ID",
    shell_complete=complete_session,
    help="Explain the settings of this session, as it was created.",
)
@settings_options
@as_json
def explain(
    habitat: str, words: tuple[str, ...], *, session_id: str | None, as_json: bool, **options: Unpack[SettingsOptions]
) -> None:
    """Say why each setting is what it is, and what that hides.

    Below a value stands where it was given, and below that what it hid. NODE begins with "//", and may be where a
    habitat is included; FIELD is dotted. A secret is shown as the reference to it, and need not be at hand.

    \b
    Examples:
      oneml settings explain diamond
      oneml settings explain diamond //left retries --set '//left:retries=2'
      oneml settings explain diamond --session 0198c0de
    """
    wanted = _wanted(habitat, words)
    given = command_line_settings(options)
    if session_id is not None and (given.file is not None or given.assignments):
        message = "--session explains what was given when the session was created: leave out the other settings."
        raise click.UsageError(message)
    with stdout_kept_for_data():
        model, found = _at_present(wanted, given) if session_id is None else _of_session(wanted, session_id)
    if as_json:
        fields = [explanation_fields(one, field_text(model, one.name.split("."))) for one in found]
        print_document("settings-explained", habitat=habitat, node=wanted.path, session_id=session_id, settings=fields)
        return
    if wanted.field is None:
        lines = explanation_lines(found)
    else:
        lines = [line for one in found for line in field_lines(one, field_text(model, one.name.split(".")))]
    click.echo("\n".join(lines))


def _wanted(habitat: str, words: Sequence[str]) -> Wanted:
    path = parse_node_path(words[0]) if words and words[0].startswith("/") else None
    rest = words if path is None else words[1:]
    if len(words) > WORDS_MAX or len(rest) > 1:
        message = f"explain takes HABITAT, NODE and FIELD, in this order; {rest[-1]!r} is one too many."
        raise click.UsageError(message)
    return Wanted(habitat, path, rest[0] if rest else None)


Found = tuple[type[PipelineSettings], Sequence[Explanation]]


def _at_present(wanted: Wanted, given: CommandLineSettings) -> Found:
    sources = replace(ProcessSources.of_this_process(), without_secrets=True)
    client = PipelineServiceClient(sources=sources)
    if wanted.path is None:
        model = client.registry.load(wanted.habitat).settings_model()
        # Entries for nodes may be about habitats that the pipeline includes, which only its definition tells.
        resolved = resolve_session(model, habitat=wanted.habitat, given=GivenSettings.of(None, given), sources=sources)
        return model, setting_explanations(resolved, names=wanted.names)
    preview = client.preview(wanted.habitat, command_line=given)
    plan, path, settings = preview.plan, wanted.path, preview.settings.at(wanted.path)
    if path in plan.included:
        return settings.model, setting_explanations(settings, names=wanted.names)
    if path not in plan.nodes:
        raise UnknownNodeError(node=path, known=list(plan.nodes))
    place = str(plan.nodes[path].place or "")
    author = plan.node_settings.get(path)
    found = setting_explanations(settings, path, author, wanted.names, author_source=place)
    return settings.model, found


def _of_session(wanted: Wanted, session_id: str) -> Found:
    client = PipelineServiceClient()
    with client.load_session(session_id) as session:
        if session.habitat != wanted.habitat:
            message = f'Session {session.session_id} is one of habitat "{session.habitat}": name that one.'
            raise click.UsageError(message)
        included = session.recipe.included

        def model_of(part: NodePath) -> type[PipelineSettings]:
            return container_of(client.registry, session.habitat, included.get(part)).settings_model()

        model = model_of(ROOT if wanted.path is None else part_of(included, wanted.path))
        if wanted.field is not None:
            find_setting(model, wanted.field.split("."))
        key = signing_key(ProcessSources.of_this_process())
        found = session_explanations(
            client.store, session.recipe, model_of, path=wanted.path, names=wanted.names, signing_key=key
        )
    return model, found
