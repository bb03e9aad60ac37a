"""What a habitat is known by, for people: digests, shortened."""

from collections.abc import Mapping

import click

from oneml.habitats.cli.printing import print_table
from oneml.habitats.values.json_value import JsonObject, JsonValue

DIGEST_SHOWN_CHARACTERS = 12
WHOLE = ("fingerprint", "code", "graph", "settings_schema")
PARTS = ("interface", "code", "graph")


def print_manifest(manifest: JsonObject) -> None:
    """Print the digests of a habitat, and of the components behind its nodes."""
    print_table((), [(name.replace("_", " "), short_digest(manifest.get(name))) for name in WHOLE])
    components = manifest.get("components")
    if isinstance(components, Mapping) and components:
        click.echo()
        rows = [(name, *_digests(component)) for name, component in components.items()]
        print_table(("COMPONENT", *(part.upper() for part in PARTS)), rows)


def short_digest(digest: JsonValue) -> str:
    """Return the start of a digest; ``unproven`` where there is none."""
    return digest[:DIGEST_SHOWN_CHARACTERS] if isinstance(digest, str) else "unproven"


def _digests(component: JsonValue) -> tuple[str, ...]:
    known: JsonObject = component if isinstance(component, Mapping) else {}
    return tuple(short_digest(known.get(part)) for part in PARTS)
