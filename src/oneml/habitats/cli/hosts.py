"""Mounting ``oneml`` under a Typer host."""

from typing import TYPE_CHECKING

from oneml.habitats.cli.group import oneml

if TYPE_CHECKING:
    import typer


def add_to_typer(host: "typer.Typer", *, name: str = "oneml") -> None:
    """Mount the command line under a Typer host: ``host-cli oneml list``.

    Typer carries a copy of click of its own, so its groups take no click group, and click's exceptions pass through it
    as tracebacks. Hence one command that passes everything on, exit code included.

    Args:
        host: The host's app.
        name: The command's name in it.
    """
    import typer  # noqa: PLC0415  # an extra

    def pass_on(context: typer.Context) -> None:
        oneml.main(args=list(context.args), prog_name=context.command_path)

    settings = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": list[str]()}
    host.command(name, help=oneml.get_short_help_str(limit=80), add_help_option=False, context_settings=settings)(
        pass_on
    )
    if host.registered_callback is None:
        host.callback()(_no_callback)


def _no_callback() -> None:
    """Keep the level of the command's name, which Typer drops from an app of one command."""
