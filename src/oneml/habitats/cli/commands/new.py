"""``oneml new``."""

import shlex
from pathlib import Path

import click

from oneml.habitats.cli.printing import remark
from oneml.habitats.cli.scaffolding import package_names, write_package
from oneml.habitats.habitats.registry import HabitatRegistry


@click.command()
@click.argument("name")
@click.option(
    "--into",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the folder of the package is made; by default the working directory.",
)
def new(name: str, *, into: Path) -> None:
    """Write a pipeline package called NAME, which runs and whose tests pass, to change from there."""
    try:
        names = package_names(name)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    _refuse_taken(names.distribution, names.package)
    folder = into / names.distribution
    try:
        written = write_package(names, folder)
    except FileExistsError as error:
        message = f"{folder} is there already, and no empty folder. Choose another name, or another folder with --into."
        raise click.UsageError(message) from error
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror}. Name another folder with --into."
        raise click.UsageError(message) from error
    for path in written:
        click.echo(folder / path)
    remark(
        f"\nNext:\n  cd {shlex.quote(str(folder))}\n  pip install -e '.[test]'\n"
        f"  oneml run-pipeline {names.distribution}\n  pytest"
    )


def _refuse_taken(distribution: str, package: str) -> None:
    from importlib.util import find_spec  # noqa: PLC0415  # only here

    for entry in HabitatRegistry().entries():
        if entry.name == distribution:
            message = f'A habitat "{distribution}" is installed: {entry.target}. Choose another name.'
            raise click.UsageError(message)
    if find_spec(package) is not None:
        message = f'A package "{package}" can be imported here already, and would be hidden. Choose another name.'
        raise click.UsageError(message)
