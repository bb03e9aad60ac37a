"""Ways in which a process is otherwise without influence, or as a policy allows: the other table of the drift suite."""

import compileall
import os
import shutil
from collections.abc import Callable, Mapping
from typing import NamedTuple

from harbour_site import ENGINES, IN_PROCESS, PLAIN, PROCESS, SIGNED, VARIABLES, WORKER, Harbour, session_of
from harmful_kinds import CONTAINERS, LOADED, NODES, edited, new_version, nothing, written
from oneml.habitats.values.outcome import NodeOutcome
from oneml.habitats.values.states import NodeState

LENIENT = "lenient"
"""The variant of a session with a policy, which is no part of the template."""


class Kind(NamedTuple):
    """One way in which a process is otherwise, and runs all the same.

    Attributes:
        name: Of the kind.
        edit: Brings it about.
        variables: What the process finds in its environment.
        told: What it says about that, where it says anything.
        engines: Where it is tried without a cluster.
        policy: Of the session, where that lets it pass.
        created_with: What the process that created the session found in its environment.
        loaded: What the first node gives.
    """

    name: str
    edit: Callable[[Harbour], object]
    variables: Mapping[str, str] = {}
    told: tuple[str, ...] = ()
    engines: tuple[str, ...] = (WORKER, PROCESS)
    policy: str = ""
    created_with: Mapping[str, str] = {}
    loaded: bytes = LOADED[PLAIN]

    @property
    def variant(self) -> str:
        """That of the session."""
        return LENIENT if self.policy else PLAIN


def reformatted(harbour: Harbour) -> None:
    """Other quotes, other line breaks, other indentation, parentheses and trailing commas."""
    harbour.edit(NODES, 'mark("load")', "mark(\n            'load',\n        )")
    harbour.edit(NODES, "return load * ropes.LENGTH +", "return (load * ropes.LENGTH) + \\\n            ")
    harbour.edit(NODES, 'files("harbour.tables")', "files( 'harbour.tables' )")
    harbour.edit(NODES, "\n\n\nclass", "\n\n\n\n\nclass")


def carriage_returns(harbour: Harbour) -> None:
    for path in harbour.packages.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def touched(harbour: Harbour) -> None:
    for path in harbour.packages.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))


def compiled(harbour: Harbour) -> None:
    assert compileall.compile_dir(harbour.packages, quiet=1)
    del harbour.environment["PYTHONDONTWRITEBYTECODE"]


def linked(harbour: Harbour) -> None:
    """As an editable install leaves it: the folder with the sources is named by a path file, and metadata lie apart."""
    elsewhere = harbour.folder / "elsewhere" / "src"
    elsewhere.mkdir(parents=True)
    shutil.move(harbour.packages / "harbour", elsewhere / "harbour")
    (harbour.metadata("harbour") / "RECORD").write_text("harbour.pth,,\n")
    harbour.write("harbour.pth", f"{elsewhere}\n")
    # A folder on PYTHONPATH is not searched for path files, as site-packages is.
    harbour.write("sitecustomize.py", f"import site\nsite.addsitedir({str(harbour.packages)!r})\n")


def moved(harbour: Harbour) -> None:
    there = harbour.folder / "a b" / "ü"
    there.parent.mkdir()
    harbour.packages.rename(there)
    harbour.environment["PYTHONPATH"] = str(there)


def other_directory(harbour: Harbour) -> None:
    harbour.working = harbour.folder / "elsewhere"
    (harbour.working / "harbour").mkdir(parents=True)  # what lies there is not imported
    (harbour.working / "harbour" / "__init__.py").write_text("raise SystemExit('wrong one')\n")


def settings_files(harbour: Harbour) -> None:
    (harbour.working / "oneml.toml").write_text("retries = 4\n\n[habitats.harbour]\nboats = 9\n")
    (harbour.working / ".env").write_text("HARBOUR_FLAG=red\n")


KINDS = (
    Kind("comment", edited(NODES, 'mark("load")', 'mark("load")  # counts them'), engines=ENGINES),
    Kind("formatting", reformatted),
    Kind("docstring", edited(NODES, '"""Return what was loaded."""', '"""Return it."""')),
    Kind("docstring gone", edited(NODES, '        """Return what was loaded."""\n', "")),
    Kind("docstring of a module", edited("harbour/sums.py", '"""A helper module."""', '"""Sums."""\n# Not more.')),
    Kind("carriage returns", carriage_returns),
    Kind("unrelated module edited", edited("harbour/unrelated.py", "41", "42"), engines=ENGINES),
    Kind("unrelated module added", written("harbour/more.py", "MORE = 1\n")),
    Kind("unrelated package", written("strangers/__init__.py", "MORE = 1\n")),
    Kind("unrelated distribution", written("strangers-1.0.dist-info/METADATA", "Name: strangers\nVersion: 1.0\n")),
    Kind("other file beside the sources", written("harbour/notes.txt", "nothing\n")),
    Kind("other file beside the data", written("harbour/tables/notes.txt", "nothing\n")),
    Kind("times of files", touched),
    Kind("compiled files", compiled),
    Kind("working directory", other_directory),
    Kind("moved", moved),
    Kind("editable install", linked),
    Kind("hash seed", nothing, {"PYTHONHASHSEED": "7"}, engines=ENGINES),
    Kind("another hash seed", nothing, {"PYTHONHASHSEED": "4242"}),
    Kind("optimised", nothing, {"PYTHONOPTIMIZE": "2"}),
    Kind("locale and time zone", nothing, {"LC_ALL": "C", "TZ": "Asia/Kathmandu", "PYTHONUTF8": "0"}),
    Kind("settings file and .env", settings_files, told=("oneml.toml", ".env", "boats", "flag")),
    Kind("variable of a setting", nothing, {"HARBOUR_BOATS": "8"}, told=("HARBOUR_BOATS", "8", "boats", "3")),
    Kind("variable of a common setting", nothing, {"ONEML_SETTINGS__RETRIES": "3"}, told=("ONEML_SETTINGS__RETRIES",)),
    Kind("variable of nobody", nothing, {"QUAY_UNHEARD_OF": "1"}),
)

ALLOWED = (
    Kind(
        "any change where it is a warning",
        edited(NODES, ") + ballast", ") - ballast"),
        told=("Load.__call__", NODES),
        policy="mode=warn",
        loaded=b"40",
    ),
    Kind(
        "environment where it is a warning",
        nothing,
        {"QUAY_REACH": "11"},
        told=("crane", "reach", "10", "11", CONTAINERS),
        policy="mode=warn",
        loaded=b"43",
    ),
    Kind("compatible version", new_version("ropes"), told=("ropes", "1.0", "1.1"), policy="packages=compatible"),
    Kind(
        "rotated secret",
        nothing,
        {**VARIABLES[SIGNED], "HARBOUR_TOKEN": "t0ken-after"},
        told=("token",),
        policy="rotation=allow",
        created_with={**VARIABLES[SIGNED], "HARBOUR_TOKEN": "t0ken-before"},
    ),
)
"""What policies let pass and tell."""

AT_START = ("working directory", "moved", "editable install")
"""Kinds that only a process that starts comes by: one that runs stays where it is, and loses packages that move."""

ON_DISK = [kind for kind in KINDS if kind.edit is not nothing and kind.name not in AT_START]
"""Kinds that come about while a process runs."""


def brought_about(kind: Kind, harbour: Harbour) -> None:
    """Create the session that a policy is for, and make it otherwise."""
    if kind.policy:
        policy = ("--set", f"verification.{kind.policy}")
        harbour.create("harbour", "--session-id", session_of(LENIENT, IN_PROCESS), *policy, **kind.created_with)
    kind.edit(harbour)


def check_run(kind: Kind, outcome: NodeOutcome) -> None:
    assert outcome.state is NodeState.SUCCEEDED, outcome
    assert outcome.ports["output"].inline == kind.loaded


def check_said(kind: Kind, said: str) -> None:
    assert [text for text in kind.told if text not in said] == [], said
    assert kind.told or said == ""
    assert [
        value for name, value in kind.variables.items() if ("KEY" in name or "TOKEN" in name) and value in said
    ] == []
