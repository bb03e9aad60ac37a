"""A click group that imports a command when it is called, not to list it."""

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple, cast

import click

from oneml.habitats.cli.collector import importing
from oneml.habitats.values.suggestions import known_names


class LazyCommand(NamedTuple):
    """A command that is not imported yet.

    Attributes:
        target: ``module:attr`` of the click command.
        short_help: What the group's help says about it.
    """

    target: str
    short_help: str


class LazyGroup(click.Group):
    """A group whose help and whose answer to an unknown name need none of its commands.

    Args:
        name: Name of the group.
        lazy: Its commands, in the order in which help shows them.
        text: Help of the group.
        params: Options of the group.
    """

    def __init__(
        self,
        name: str,
        *,
        lazy: Mapping[str, LazyCommand],
        text: str,
        params: list[click.Parameter] | None = None,
    ) -> None:
        super().__init__(name, help=text, params=params)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in order; commands that were added to the group come last."""
        return [*self._lazy, *(name for name in super().list_commands(ctx) if name not in self._lazy)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, imported now if need be; None where there is none."""
        found = super().get_command(ctx, cmd_name)
        if found is not None or cmd_name not in self._lazy:
            return found
        module, _, attribute = self._lazy[cmd_name].target.partition(":")
        with importing():
            command = cast("click.Command", getattr(import_module(module), attribute))
        self.add_command(command, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that ``args`` start with; what is near an unknown one is said in our own words."""
        name = args[0]
        known = self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f'No command "{name}". {known_names(name, known)}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their short help, importing none of the lazy ones."""
        rows: list[tuple[str, str]] = []
        for name in self.list_commands(ctx):
            added = self.commands.get(name)
            if name in self._lazy:
                rows.append((name, self._lazy[name].short_help))
            elif added is not None and not added.hidden:
                rows.append((name, added.get_short_help_str(formatter.width)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)
