"""The package of the drift suite, installed, with sessions of it that wait to be run; copied for each edit."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from forked import Forks
from installed_site import Site

SOURCES = Path(__file__).parents[1] / "drift" / "site"
HABITATS = {
    "harbour": "harbour.containers:Harbour",
    "harbour-twin": "harbour.twin:Twin",
    "harbour-chosen": "harbour.chosen:chosen",
}

SIGNING_KEY = "k3y-of-the-harbour-master-0123456789abcdef"
TOKEN = "t0ken-of-the-harbour"

PLAIN, OVERRIDDEN, REVISED, CHOSEN, SIGNED = "plain", "overridden", "revised", "chosen", "signed"
VARIABLES: Mapping[str, Mapping[str, str]] = {
    PLAIN: {},
    OVERRIDDEN: {},
    REVISED: {},
    CHOSEN: {},
    SIGNED: {"ONEML_SIGNING_KEY": SIGNING_KEY, "QUAY_TOKEN": TOKEN},
}
"""What a process of a session of each variant finds in its environment."""

IN_PROCESS, THREADS, PROCESS, WORKER = "in-process", "threads", "process", "worker"
DRIVERS = (IN_PROCESS, THREADS, PROCESS)
"""Who resumes a session, by engine."""

ENGINES = (*DRIVERS, WORKER)
"""Those, and a worker that is told two names."""

CREATE = """
import sys
from oneml.habitats import PipelineServiceClient, Reference, replace
from harbour.containers import Harbour
from harbour.cranes import Crane

ENGINES = {
    "in-process": {"engine": "in-process", "workers": 1},
    "threads": {"engine": "in-process", "workers": 2},
    "process": {"engine": "process", "workers": 2},
}
for variant in sys.argv[1:]:
    client = PipelineServiceClient()
    overrides = []
    fields = {}
    if variant == "overridden":
        overrides.append(replace(Harbour.crane, provider=Reference(Crane, "harbour.spare:SpareCrane", reach=2)))
    if variant == "signed":
        fields["token"] = "env:QUAY_TOKEN"
    habitat = "harbour-chosen" if variant == "chosen" else "harbour"
    sessions = [
        client.create_session(
            habitat, *overrides, settings={**settings, **fields}, session_id=f"{variant}-{engine}"
        )
        for engine, settings in ENGINES.items()
    ]
    if variant == "revised":
        assert len(client.change_settings(habitat, {"boats": 5})) == len(sessions)
    for session in sessions:
        session.close()
"""


class Harbour(Site):
    """The harbour, installed."""

    @property
    def marks(self) -> list[str]:
        """What user code of nodes left behind."""
        return sorted(path.name for path in (self.folder / "marks").iterdir())

    def go(self, variant: str, engine: str, **variables: str) -> "tuple[int, str]":
        """Run a session, or its first node as a worker; return the exit code and what it said."""
        told = {**VARIABLES.get(variant, {}), **variables}
        if engine == WORKER:
            done = self.work(
                "harbour-chosen" if variant == CHOSEN else "harbour", session_of(variant, engine), "//load", **told
            )
        else:
            done = self.run("sessions", "run", session_of(variant, engine), **told)
        return done.returncode, done.stdout + done.stderr

    def drive(self, variant: str, **variables: str) -> "dict[str, tuple[int, str]]":
        """Run the sessions of all engines of drivers; return the exit code and what was said, by engine."""
        return {engine: self.go(variant, engine, **variables) for engine in DRIVERS}

    def restore(self, original: "Harbour") -> None:
        """Put back what is installed and what the recipes say."""
        for name in ("site", "store"):
            shutil.rmtree(self.folder / name)
            shutil.copytree(original.folder / name, self.folder / name)

    def headers(self, variant: str) -> list[Path]:
        """Return the headers of the recipes of a variant."""
        return [self.store / "sessions" / session_of(variant, engine) / "recipe.json" for engine in DRIVERS]


def session_of(variant: str, engine: str) -> str:
    """Return the id of a session of the template."""
    return f"{variant}-{IN_PROCESS if engine == WORKER else engine}"


def installed(folder: Path, *, python: str = sys.executable, forks: Forks | None = None) -> Harbour:
    """Return a new environment in which the harbour is installed."""
    harbour = Harbour(folder, python=python, forks=forks)
    harbour.install("ropes", files=SOURCES, packages=["ropes"])
    harbour.install("anchors", files=SOURCES, packages=["anchors"])
    harbour.install("harbour", files=SOURCES, packages=["harbour"], habitats=HABITATS, requires=["ropes", "anchors"])
    return equipped(harbour)


def equipped(harbour: Harbour) -> Harbour:
    """Let its bodies leave marks."""
    marks = harbour.folder / "marks"
    marks.mkdir(exist_ok=True)
    harbour.environment["QUAY_MARKS"] = str(marks)
    return harbour


def with_sessions(harbour: Harbour) -> Harbour:
    """Create the sessions of the template."""
    for variables in (VARIABLES[PLAIN], VARIABLES[SIGNED]):
        chosen = [variant for variant, wanted in VARIABLES.items() if wanted == variables]
        done = harbour.run(*chosen, code=("-P", "-c", CREATE), **variables)
        assert done.returncode == 0, done.stderr
    return harbour


def copied(original: Harbour, folder: Path) -> Harbour:
    """Return a copy of the template."""
    shutil.copytree(original.folder, folder, dirs_exist_ok=True)
    return equipped(Harbour(folder, python=original.python, forks=original.forks))


def altered(path: Path, before: str, after: str) -> None:
    """Alter a document in a store, which must hold ``before``."""
    text = path.read_text()
    assert before in text, f"{path} does not hold {before!r}: {text[:2000]}"
    path.chmod(0o644)
    path.write_text(text.replace(before, after))


def rewritten(path: Path, document: object) -> None:
    """Replace a document in a store."""
    path.chmod(0o644)
    path.write_text(json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
