"""Where the code of two processes differs, most telling first."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from oneml.habitats.habitats.code_identity import CodeIdentity


class IdentityDifference(NamedTuple):
    """One thing that differs.

    Attributes:
        kind: ``file``, ``package`` or ``distribution``; ``python`` for its minor version, ``name`` of the habitat,
            ``habitat`` for what the name leads to, ``origin`` for the distribution that offers it, ``container`` for
            the class, ``rebuilding`` for what stands in the way of another process.
        name: Which file, package or distribution; else the habitat.
        expected: What was recorded; None where it was absent.
        found: What is here; None where it is absent.
        source: Where it lies, or should lie, on this machine; empty where that is unknown.
    """

    kind: str
    name: str
    expected: str | None
    found: str | None
    source: str

    def __str__(self) -> str:
        """Return one line for a person."""
        where = f" ({self.source})" if self.source else ""
        shown = [_short(self.kind, value) for value in (self.expected, self.found)]
        return f"{self.kind} {self.name}: {shown[0]} recorded, {shown[1]} here{where}"


def differences(expected: CodeIdentity, found: CodeIdentity) -> Sequence[IdentityDifference]:
    """Compare two identities; equal digests are not looked into.

    Args:
        expected: What a recipe holds.
        found: What is here.

    Returns:
        Every difference; none where the code is the same.
    """
    if expected.digest == found.digest:
        return ()
    return [*_of_fields(expected, found), *_of_distributions(expected, found), *_of_files(expected, found)]


def _of_fields(expected: CodeIdentity, found: CodeIdentity) -> Iterator[IdentityDifference]:
    origin = found.distribution or "registered in code"
    compared = (
        ("python", "minor version", expected.python, found.python, sys.executable),
        ("name", expected.habitat, expected.habitat, found.habitat, ""),
        ("habitat", expected.habitat, expected.target, found.target, origin),
        ("container", expected.habitat, expected.container, found.container, ""),
        ("origin", expected.habitat, expected.distribution, found.distribution, ""),
        ("rebuilding", expected.habitat, expected.problem, found.problem, ""),
    )
    for kind, name, before, now, source in compared:
        if before != now:
            yield IdentityDifference(kind, name, before, now, source)


def _of_distributions(expected: CodeIdentity, found: CodeIdentity) -> Iterator[IdentityDifference]:
    for name, before, now in _changed(expected.distributions, found.distributions):
        yield IdentityDifference("distribution", name, before, now, "")


def _of_files(expected: CodeIdentity, found: CodeIdentity) -> Iterator[IdentityDifference]:
    absent = sorted(set(expected.first_party) ^ set(found.first_party))
    for package in absent:
        recorded = package in expected.first_party
        before, now = ("present", None) if recorded else (None, "present")
        yield IdentityDifference("package", package, before, now, found.places.get(package, ""))
    prefixes = tuple(f"{package.replace('.', '/')}{end}" for package in absent for end in ("/", ".py"))
    for file, before, now in _changed(expected.files, found.files):
        if not file.startswith(prefixes):
            yield IdentityDifference("file", file, before, now, _place(file, found.places))


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str | None, str | None]]:
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield name, before.get(name), now.get(name)


def _place(file: str, places: Mapping[str, str]) -> str:
    for package, place in places.items():
        prefix = package.replace(".", "/")
        if file == f"{prefix}.py":
            return place
        if file.startswith(f"{prefix}/"):
            return str(Path(place, file.removeprefix(f"{prefix}/")))
    return ""


def _short(kind: str, value: str | None) -> str:
    if value is None:
        return "nothing"
    return f"sha256 {value[:12]}" if kind == "file" else value
