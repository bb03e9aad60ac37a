"""Code that the driver does not have: known by what the first worker finds, which holds for all later attempts."""

import hashlib
from collections.abc import Collection, Iterator, Mapping

from oneml.habitats.habitats.code_closure import reachable_code
from oneml.habitats.habitats.source_files import ModuleFinder, first_party_package
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import canonical_json


def foreign_targets(targets: Collection[str]) -> tuple[str, ...]:
    """Return those of ``targets`` (``module:Name``) whose modules are not installed here, sorted; imports nothing."""
    finder = ModuleFinder()
    return tuple(sorted(target for target in targets if finder.spec(target.partition(":")[0]) is None))


def target_digests(targets: Collection[str]) -> Mapping[str, str | None]:
    """Return the digest of the code that imports reach from each target in its package; None where it is not here."""
    finder = ModuleFinder()
    return {target: _digest(target.partition(":")[0], finder) for target in sorted(targets)}


def pin_drifts(pinned: Mapping[str, str | None], found: Mapping[str, str | None]) -> Iterator[Drift]:
    """Give the targets whose code is not what the first worker found.

    Args:
        pinned: Digests by target, as the first worker found them.
        found: What is here.
    """
    for target in sorted(pinned.keys() | found.keys()):
        before, now = pinned.get(target), found.get(target)
        if before != now:
            yield Drift(
                kind="code",
                subject=target,
                field="code of the first worker",
                expected=_short(before),
                found=_short(now),
                remedy="Give all workers of this image the same package.",
            )


def _digest(module: str, finder: ModuleFinder) -> str | None:
    if finder.spec(module) is None:
        return None
    closure = reachable_code({module}, {first_party_package(module, finder)}, finder)
    known = [[name, code.path, code.tree] for name, code in sorted(closure.modules.items())]
    return hashlib.sha256(canonical_json(known)).hexdigest()


def _short(digest: str | None) -> str | None:
    return None if digest is None else f"sha256 {digest[:12]}"
