"""Where the code of two processes differs, most telling first, and what of it a policy lets pass."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.habitats.module_code import ModuleCode
from oneml.habitats.values.drift import Drift
from oneml.habitats.values.json_value import JsonObject

_VERSION = re.compile(
    r"\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)[-_.]?(?:(a|alpha|b|beta|c|rc|pre|preview)[-_.]?(\d*))?"
    r"(?:[-_.]?(post|rev|r)[-_.]?(\d*)|-(\d+))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+\S*)?\s*",
    re.IGNORECASE,
)
_PHASES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_FINAL = 3


class CodeDrifts(NamedTuple):
    """What differs.

    Attributes:
        refused: What must not differ, most telling first.
        allowed: What may, by the tolerances given.
    """

    refused: Sequence[Drift]
    allowed: Sequence[Drift]


def code_drifts(
    expected: CodeIdentity,
    found: CodeIdentity,
    *,
    outline: JsonObject | None = None,
    packages: str = "exact",
    python: str = "exact",
    mask: Callable[[str], str] = str,
) -> CodeDrifts:
    """Compare two identities; files are read again only where modules differ and there is an outline.

    Args:
        expected: What was recorded.
        found: What is here.
        outline: What `outline_of` gave for ``expected``; without it, whole files are named.
        packages: ``compatible`` lets pass the same major version (of 0.x the same minor one), not older than recorded.
        python: ``compatible`` lets pass the same major version.
        mask: Takes secrets out of the texts that stand here.
    """
    refused = [*_names(expected, found), *_code(expected, found, _Teller(outline, mask)), *_data(expected, found)]
    allowed: list[Drift] = []
    for drift in _distributions(expected, found):
        passes = packages == "compatible" and is_compatible(drift.expected, drift.found)
        (allowed if passes else refused).append(drift)
    if expected.python != found.python:
        drift = Drift(
            "python", "interpreter", "minor version", expected.python, found.python, found_source=sys.executable
        )
        passes = python == "compatible" and expected.python.split(".")[0] == found.python.split(".")[0]
        (allowed if passes else refused).append(drift)
    return CodeDrifts(refused, allowed)


def is_compatible(recorded: str | None, here: str | None) -> bool:
    """Tell whether a version is not older than another, and of its major version; of 0.x, of its minor version.

    Versions that do not follow the rules of PEP 440 are compatible with themselves alone.
    """
    if recorded is None or here is None:
        return False
    before, now = _version(recorded), _version(here)
    if before is None or now is None:
        return recorded == here
    kept = 3 if before[1] == 0 else 2
    return before[:kept] == now[:kept] and now >= before


def _version(text: str) -> tuple[int, ...] | None:
    """Return what sorts a version: epoch, four numbers of the release, phase and number, post, dev."""
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    epoch, release, phase, pre, post, post_number, bare_post, dev, dev_number = match.groups()
    numbers = [int(part) for part in release.split(".")]
    numbers += [0] * (6 - len(numbers))
    is_post = post is not None or bare_post is not None
    is_dev_alone = dev is not None and phase is None and not is_post
    return (
        int(epoch or 0),
        *numbers[:6],
        -1 if is_dev_alone else _PHASES.get((phase or "").lower(), _FINAL),
        int(pre or 0),
        int(post_number or bare_post or 0) + 1 if is_post else 0,
        int(dev_number or 0) if dev is not None else sys.maxsize,
    )


def _names(expected: CodeIdentity, found: CodeIdentity) -> Iterator[Drift]:
    if expected.habitat != found.habitat:
        yield Drift("habitat", expected.habitat, "name", expected.habitat, found.habitat)
    if expected.target != found.target:
        origin = found.distribution or "registered in code"
        yield Drift("habitat", expected.habitat, "target", expected.target, found.target, found_source=origin)
    if expected.container != found.container:
        yield Drift("container", expected.habitat, "class", expected.container, found.container)
    if expected.distribution != found.distribution:
        yield Drift("habitat", expected.habitat, "distribution", expected.distribution, found.distribution)


class _Teller(NamedTuple):
    outline: JsonObject | None
    mask: Callable[[str], str]

    def definitions(self, before: ModuleCode, place: str) -> Sequence[Drift]:
        if self.outline is None:
            return ()
        from oneml.habitats.habitats.outline_difference import changed_definitions  # noqa: PLC0415  # only to explain

        return changed_definitions(before, place, self.outline, self.mask)


def _code(expected: CodeIdentity, found: CodeIdentity, teller: _Teller) -> Iterator[Drift]:
    missing = sorted(set(expected.first_party) ^ set(found.first_party))
    for package in missing:
        sides = ("present", None) if package in expected.first_party else (None, "present")
        yield Drift("code", package, "package", *sides)
    inside = tuple(f"{package}." for package in missing)
    for name in sorted({*expected.modules, *found.modules}):
        if name not in missing and not name.startswith(inside):
            before, now = expected.modules.get(name), found.modules.get(name)
            yield from _module(before, now, found.places.get(name, ""), teller)
    for name in sorted({*expected.absent} ^ {*found.absent}):
        if (name in expected.absent) == (name in found.modules) or name in missing or name.startswith(inside):
            continue
        sides = (None, "imported") if name in found.absent else ("imported", None)
        yield Drift("code", name, "name without a file", *sides)


def _module(before: ModuleCode | None, now: ModuleCode | None, place: str, teller: _Teller) -> Iterator[Drift]:
    if before is None and now is not None:
        yield Drift("code", now.name, "module", None, _short(now.tree), found_source=place or now.path)
    elif now is None and before is not None:
        yield Drift("code", before.name, "module", _short(before.tree), None, before.path)
    elif before is not None and now is not None:
        if before.path != now.path:
            yield Drift("code", now.name, "file", before.path, now.path, before.path, place)
        if before.tree != now.tree:
            told = teller.definitions(before, place)
            here = place or now.path
            yield from told or [
                Drift("code", now.name, "source", _short(before.tree), _short(now.tree), before.path, here)
            ]


def _data(expected: CodeIdentity, found: CodeIdentity) -> Iterator[Drift]:
    for pattern in sorted({*expected.package_data} ^ {*found.package_data}):
        sides = ("declared", None) if pattern in expected.package_data else (None, "declared")
        yield Drift("data", pattern, "pattern", *sides)
    for path, before, now in _changed(expected.data, found.data):
        field = "content" if before is not None and now is not None else "file"
        yield Drift("data", path, field, before and _short(before), now and _short(now))


def _distributions(expected: CodeIdentity, found: CodeIdentity) -> Iterator[Drift]:
    for name, before, now in _changed(expected.distributions, found.distributions):
        remedy = "" if before is None else f"Install {name}=={before}."
        yield Drift("distribution", name, "version", before, now, remedy=remedy)


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str | None, str | None]]:
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield name, before.get(name), now.get(name)


def _short(digest: str) -> str:
    return f"sha256 {digest.removeprefix('raw:')[:12]}"
