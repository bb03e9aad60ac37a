"""Ways in which a process is not what a session was created with: the table of the drift suite."""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import NamedTuple

from harbour_site import CHOSEN, OVERRIDDEN, PLAIN, REVISED, SIGNED, Harbour, altered, rewritten
from oneml.habitats.values.json_value import canonical_json
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

NODES, CONTAINERS, SETTINGS = "harbour/nodes.py", "harbour/containers.py", "harbour/settings.py"
OTHER_KEY = "another-key-altogether-0123456789abcdefgh"
MONKEYPATCH = """
import sys
from importlib.abc import Loader, MetaPathFinder

class Patching(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "harbour.nodes":
            return None
        sys.meta_path.remove(self)
        import {module}
        {module}.{name} = {value}
        return None

sys.meta_path.insert(0, Patching())
"""


class Kind(NamedTuple):
    """One way in which a process is not what the session was created with.

    Attributes:
        name: Of the kind.
        edit: Brings it about.
        told: What the refusal must name.
        variant: Of the session.
        variables: What the process finds in its environment.
    """

    name: str
    edit: Callable[[Harbour], object]
    told: tuple[str, ...]
    variant: str = PLAIN
    variables: Mapping[str, str] = {}


def edited(file: str, before: str, after: str) -> Callable[[Harbour], object]:
    return lambda harbour: harbour.edit(file, before, after)


def written(file: str, text: str) -> Callable[[Harbour], object]:
    return lambda harbour: harbour.write(file, text)


def nothing(_: Harbour) -> None:
    """The environment differs, not what is installed."""


def new_version(name: str) -> Callable[[Harbour], object]:
    return lambda harbour: harbour.metadata(name).rename(harbour.metadata(name, "1.1"))


def uninstalled(name: str) -> Callable[[Harbour], object]:
    return lambda harbour: harbour.metadata(name).rename(harbour.folder / "tmp" / "removed")


def another_first(harbour: Harbour) -> None:
    """Another package of the same name lies before the one that was found."""
    harbour.write("earlier/anchors/__init__.py", "def weight() -> float:\n    return 8.0\n")
    harbour.environment["PYTHONPATH"] = f"{harbour.packages / 'earlier'}:{harbour.environment['PYTHONPATH']}"


def header_edited(before: str, after: str) -> Callable[[Harbour], object]:
    return lambda harbour: [altered(header, before, after) for header in harbour.headers(OVERRIDDEN)]


def revision_edited(harbour: Harbour) -> None:
    for header in harbour.headers(REVISED):
        altered(header.parent / "revisions" / "1.json", '"boats":5', '"boats":6')


def shard_edited(harbour: Harbour) -> None:
    for header in harbour.headers(PLAIN):
        (shard,) = header.parent.rglob("plan-0000*")
        altered(shard, '"load"', '"wash"')


def signature_stripped(harbour: Harbour) -> None:
    for header in harbour.headers(SIGNED):
        document = json.loads(header.read_text())
        del document["signature"]
        rewritten(header, document)


def forged(harbour: Harbour) -> None:
    """Alters signed recipes as somebody does who has no key: with a checksum that fits."""
    for header in harbour.headers(SIGNED):
        document = json.loads(header.read_text())
        document["settings"]["session"]["boats"] = 4
        bare = {name: value for name, value in document.items() if name not in {"checksum", "signature"}}
        rewritten(header, {**document, "checksum": sha256(canonical_json(bare)).hexdigest()})


def patched(module: str, name: str, value: str) -> Callable[[Harbour], object]:
    return written("sitecustomize.py", MONKEYPATCH.format(module=module, name=name, value=value))


KINDS = (
    Kind("body", edited(NODES, ") + ballast", ") - ballast"), (NODES, "Load.__call__")),
    Kind("helper module", edited("harbour/sums.py", "value * by", "value / by"), ("harbour/sums.py", "scaled")),
    Kind("module constant", edited("harbour/constants.py", "= 3", "= 4"), ("harbour/constants.py", "FACTOR")),
    Kind("base class", edited("harbour/bodies.py", "{value:g}", "{value:.3f}"), ("harbour/bodies.py", "Body.shown")),
    Kind("class attribute", edited("harbour/bodies.py", '"kg"', '"lb"'), ("harbour/bodies.py", "Body")),
    Kind("default", edited(NODES, "ballast: int = 1", "ballast: int = 2"), (NODES, "Load.__call__")),
    Kind(
        "decorator", edited("harbour/tracing.py", "return body(", "return 2 * body("), ("harbour/tracing.py", "traced")
    ),
    Kind("decorator removed", edited("harbour/sums.py", "@traced\n", ""), ("harbour/sums.py", "scaled")),
    Kind(
        "constructor edge",
        edited(CONTAINERS, "Load, crane=crane", "Load, crane=long_crane"),
        (CONTAINERS, "load", "crane", "long_crane"),
    ),
    Kind("argument", edited(CONTAINERS, "metres=0.5", "metres=0.75"), (CONTAINERS, "tide", "metres", "0.5", "0.75")),
    Kind(
        "provider class",
        edited(CONTAINERS, "crane = providers.Factory(Crane", "crane = providers.Factory(LongCrane"),
        (CONTAINERS, "crane", "Factory(Crane,", "Factory(LongCrane,"),
    ),
    Kind(
        "lifetime",
        edited(CONTAINERS, "log = providers.Singleton", "log = providers.Factory"),
        (CONTAINERS, "log", "Singleton", "Factory"),
    ),
    Kind("edge of the DAG", edited(CONTAINERS, "weight=weighed", "weight=loaded"), (CONTAINERS, "Harbour.define")),
    Kind(
        "node added",
        edited(
            CONTAINERS,
            '        pipeline.output("rep',
            '        pipeline.node("dry", self.wash)()\n        pipeline.output("rep',
        ),
        (CONTAINERS, "Harbour.define"),
    ),
    Kind(
        "node removed",
        edited(CONTAINERS, '        pipeline.node("wash", self.wash)()\n', ""),
        (CONTAINERS, "Harbour.define"),
    ),
    Kind("version of the distribution", new_version("harbour"), ("harbour", "1.0", "1.1")),
    Kind("version of a requirement", new_version("ropes"), ("ropes", "1.0", "1.1")),
    Kind("requirement missing", uninstalled("ropes"), ("ropes", "1.0")),
    Kind("habitat missing", uninstalled("harbour"), ("harbour==1.0",)),
    Kind("declared package", edited("anchors/__init__.py", "7.0", "8.0"), ("anchors/__init__.py", "weight")),
    Kind("declared package hidden", another_first, ("anchors/__init__.py", "earlier", "weight")),
    Kind("package data changed", edited("harbour/tables/fish.csv", "eel,1", "eel,2"), ("harbour/tables/fish.csv",)),
    Kind("package data added", written("harbour/tables/more.csv", "a,1\n"), ("harbour/tables/more.csv",)),
    Kind(
        "package data removed",
        lambda harbour: (harbour.packages / "harbour/tables/fish.csv").unlink(),
        ("fish.csv",),
    ),
    Kind(
        "absent module appears",
        written("harbour/tuning.py", "def scaled(value, by):\n    return value\n"),
        ("harbour/tuning.py",),
    ),
    Kind(
        "module gone",
        lambda harbour: (harbour.packages / "harbour/constants.py").unlink(),
        ("harbour/constants.py",),
    ),
    Kind("target of a reference", edited("harbour/tides.py", "4.0 +", "5.0 +"), ("harbour/tides.py", "Tide.depth")),
    Kind("default of a setting", edited(SETTINGS, '"blue"', '"green"'), (SETTINGS, "HarbourSettings")),
    Kind("type of a setting", edited(SETTINGS, "boats: int", "boats: float"), (SETTINGS, "HarbourSettings")),
    Kind("setting added", edited(SETTINGS, "    flag:", "    size: int = 1\n    flag:"), (SETTINGS, "HarbourSettings")),
    Kind("nested setting", edited(SETTINGS, '"north"', '"south"'), (SETTINGS, "Berth")),
    Kind(
        "container that depends on the environment",
        nothing,
        ("crane", "reach", "10", "11", CONTAINERS),
        variables={"QUAY_REACH": "11"},
    ),
    Kind(
        "habitat bound to another container",
        edited("harbour-1.0.dist-info/entry_points.txt", "harbour.containers:Harbour", "harbour.twin:Twin"),
        ("harbour.containers:Harbour", "harbour.twin:Twin"),
    ),
    Kind("function patched", patched("anchors", "weight", "lambda: 8.0"), ("anchors:weight", "anchors/__init__.py")),
    Kind(
        "method patched",
        patched("harbour.bodies", "Body.shown", "lambda self, value: ''"),
        ("harbour.bodies:Body.shown", "harbour/bodies.py"),
    ),
    Kind(
        "class patched",
        patched("harbour.tides", "Tide", "type('Tide', (harbour.tides.Tide,), {})"),
        ("harbour.tides:Tide", "harbour/tides.py"),
    ),
    Kind("constant patched", patched("harbour.constants", "FACTOR", "4"), ("harbour.constants:FACTOR", "constants.py")),
    Kind(
        "override's code",
        edited("harbour/spare.py", "Log(frozenset())", 'Log(frozenset({"x"}))'),
        ("harbour/spare.py", "SpareCrane.__init__"),
        OVERRIDDEN,
    ),
    Kind(
        "callable that gives another container",
        nothing,
        ("harbour.containers:Harbour", "harbour.twin:Twin"),
        CHOSEN,
        {"QUAY_TWIN": "1"},
    ),
    Kind("header altered", header_edited('"created_at":"20', '"created_at":"19'), ("recipe", "checksum"), OVERRIDDEN),
    Kind("revision altered", revision_edited, ("revision 1", "checksum"), REVISED),
    Kind("override altered", header_edited('"reach":2', '"reach":3'), ("recipe", "checksum"), OVERRIDDEN),
    Kind("override taken away", header_edited('"crane":{', '"crone":{'), ("recipe", "checksum"), OVERRIDDEN),
    Kind("shard altered", shard_edited, ("plan shard", "not what the header lists")),
    Kind("signature stripped", signature_stripped, ("not signed",), SIGNED),
    Kind("signed recipe altered", forged, ("signature",), SIGNED),
    Kind("another key", nothing, ("signed by the key",), SIGNED, {"ONEML_SIGNING_KEY": OTHER_KEY}),
    Kind("secret rotated", nothing, ("token", "env:QUAY_TOKEN"), SIGNED, {"QUAY_TOKEN": "another-t0ken"}),
)

AT_START = ("patched", "declared package hidden")
"""Kinds that only a process that starts comes by."""

ON_DISK = [kind for kind in KINDS if kind.edit is not nothing and not any(text in kind.name for text in AT_START)]
"""Kinds that come about while a process runs."""

RUNNABLE = (
    "body",
    "helper module",
    "base class",
    "default",
    "decorator removed",
    "provider class",
    "version of a requirement",
    "package data changed",
    "absent module appears",
    "target of a reference",
    "default of a setting",
)
"""Kinds after which sessions can be created that run otherwise."""

REMEMBERED = "habitat bound to another container"
"""A process reads once where names lead, and goes on with the container that was proven."""

LOADED = {PLAIN: b"42", OVERRIDDEN: b"34", REVISED: b"60", SIGNED: b"42"}
"""What the first node of a session of the template gives."""


def check_refusal(kind: Kind, outcome: NodeOutcome) -> None:
    assert outcome.state is NodeState.REFUSED, outcome
    assert outcome.error is not None
    assert [text for text in kind.told if text not in outcome.error.text] == [], outcome.error.text


def check_load(kind: Kind, outcome: NodeOutcome) -> None:
    assert outcome.state is NodeState.SUCCEEDED, outcome.error
    assert outcome.ports["output"].inline == LOADED[kind.variant]


def check_refusal_or_load(kind: Kind, outcome: NodeOutcome) -> None:
    """Hold what a worker that was open before a change gives: it refuses, or runs what was proven."""
    if outcome.state is NodeState.REFUSED:
        check_refusal(kind, outcome)
    else:
        check_load(kind, outcome)
