"""What this process has imported: it may outlive the files, and what they say now is then not what runs."""

import sys
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from oneml.habitats.habitats.code_identity import CodeIdentity
from oneml.habitats.values.drift import Drift

_REMEDY = "Start this worker again: what it has imported is older than what lies there."


class _Import(NamedTuple):
    """What lay here when some modules were imported: they may have used all of it."""

    specs: Mapping[str, object]
    code: CodeIdentity

    def lasting(self) -> frozenset[str]:
        """Return those of its modules that have not been imported anew."""
        return frozenset(name for name, spec in self.specs.items() if _spec(name) is spec)


class ImportedCode:
    """What lay here when sessions that were proven in this process had it imported.

    What was imported before anybody looked is unknown.
    """

    def __init__(self) -> None:
        self._imports: list[_Import] = []

    def known(self) -> frozenset[str]:
        """Return the modules of which it is known what they were when they were imported."""
        return frozenset[str]().union(*(one.lasting() for one in self._imports))

    def note(self, found: CodeIdentity, before: Collection[str]) -> None:
        """Remember what was proven, for modules that were not imported ``before``."""
        new = (found.modules.keys() & sys.modules.keys()) - set(before) - self.known()
        if new:
            self._imports.append(_Import({name: _spec(name) for name in new}, found))

    def drifts(self, found: CodeIdentity, recorded: CodeIdentity) -> Iterator[Drift]:
        """Give every difference between what lies here now and what lay here when it was imported.

        Args:
            found: What lies here now.
            recorded: What the session was created with, from which a policy may let differ what lies here.
        """
        for one in self._imports:
            lasting = one.lasting() & found.modules.keys()
            if lasting:
                yield from _between(one.code, found, recorded, lasting)
        for name in found.absent:
            if sys.modules.get(name) is not None:
                yield Drift("code", name, "as imported", None, "imported before its file went", "", "", _REMEDY)


def _between(
    then: CodeIdentity, now: CodeIdentity, recorded: CodeIdentity, lasting: Collection[str]
) -> Iterator[Drift]:
    before = {name: then.modules[name].tree for name in lasting}
    yield from _drifts("code", before, _trees(now), _trees(recorded), now.places)
    yield from _drifts("data", then.data, now.data, recorded.data, {})
    yield from _drifts("distribution", then.distributions, now.distributions, recorded.distributions, {})
    for name in sorted(set(then.absent) & now.modules.keys()):
        yield Drift("code", name, "as imported", now.modules[name].tree, None, now.places.get(name, ""), "", _REMEDY)


def _drifts(
    kind: str,
    then: Mapping[str, str],
    now: Mapping[str, str],
    recorded: Mapping[str, str],
    places: Mapping[str, str],
) -> Iterator[Drift]:
    for name in sorted(then.keys() & now.keys()):
        if then[name] != now[name]:
            expected = recorded.get(name)
            field, here = ("as imported", then[name]) if then[name] != expected else ("as it lies there", now[name])
            yield Drift(kind, name, field, expected, here, "", places.get(name, ""), _REMEDY)


def _trees(code: CodeIdentity) -> Mapping[str, str]:
    return {name: module.tree for name, module in code.modules.items()}


def _spec(name: str) -> object:
    return getattr(sys.modules.get(name), "__spec__", None)


HERE = ImportedCode()
"""Of this process."""
