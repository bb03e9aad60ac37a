"""The command line: the click group ``oneml``, its entry point, and the way to mount it under a Typer host."""

from oneml.habitats.cli.group import main, oneml
from oneml.habitats.cli.hosts import add_to_typer

__all__ = ["add_to_typer", "main", "oneml"]
