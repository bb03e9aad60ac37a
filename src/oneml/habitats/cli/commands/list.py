"""``oneml list``."""

import click

from oneml.habitats.cli.options import as_json
from oneml.habitats.cli.printing import print_document, print_table, remark
from oneml.habitats.habitats.registry import HabitatRegistry


@click.command("list")
@as_json
def list_habitats(*, as_json: bool) -> None:
    """List the habitats that are installed; none is imported."""
    entries = HabitatRegistry().entries()
    if as_json:
        print_document(
            "list",
            habitats=[
                {
                    "name": entry.name,
                    "target": entry.target,
                    "distribution": entry.distribution,
                    "version": entry.version,
                    "problem": entry.problem,
                }
                for entry in entries
            ],
        )
        return
    if entries:
        print_table(("NAME", "DISTRIBUTION", "CONTAINER"), [(each.name, each.origin, each.target) for each in entries])
    else:
        remark(
            'No habitat is installed. A package offers one by an entry point of the group "oneml.habitats"; '
            "oneml new NAME writes such a package."
        )
    for entry in entries:
        if entry.problem is not None:
            remark(f'Habitat "{entry.name}" cannot be used: {entry.problem}.')
