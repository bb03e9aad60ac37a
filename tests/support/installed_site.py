"""An environment of its own for tests: distributions that are installed by hand, a store, and whole commands."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from forked import TIMEOUT_SECONDS, Forks

COMMAND = ("-P", "-m", "oneml.habitats")
AT_THE_START = frozenset({"PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONUTF8", "LC_ALL", "TZ"})
"""Variables that an interpreter reads when it starts, and then no more."""

NOT_INSTALLED = shutil.ignore_patterns("__pycache__")


class Site:
    """A folder to install into, and the commands that run there: they see nothing of the test's own environment.

    Args:
        folder: Holds everything: ``site`` is on the import path, ``store`` is the artifact store, ``work`` the working
            directory, ``home`` the home of the user.
        python: The interpreter.
        forks: Forks commands and scripts off, which takes a fraction of the time; without it, and where variables are
            for the start of an interpreter, each has an interpreter of its own.
    """

    def __init__(self, folder: Path, *, python: str = sys.executable, forks: Forks | None = None) -> None:
        self.folder = folder
        self.python = python
        self.forks = forks
        self.packages = folder / "site"
        self.working = folder / "work"
        self.store = folder / "store"
        for made in (self.packages, self.working, folder / "home", folder / "tmp"):
            made.mkdir(parents=True, exist_ok=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONPATH": str(self.packages),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ONEML_STORE_URL": self.store.as_uri(),
        }

    def install(
        self,
        name: str,
        version: str = "1.0",
        *,
        files: Path,
        packages: Sequence[str],
        habitats: Mapping[str, str] | None = None,
        requires: Sequence[str] = (),
    ) -> None:
        """Install a distribution: copies its packages or modules from ``files`` and writes its metadata."""
        record: list[Path] = []
        for package in packages:
            source = files / package
            if source.is_dir():
                shutil.copytree(source, self.packages / package, ignore=NOT_INSTALLED, dirs_exist_ok=True)
                record.extend(path for path in (self.packages / package).rglob("*") if path.is_file())
            else:
                shutil.copy(source, self.packages / package)
                record.append(self.packages / package)
        folder = self.metadata(name, version)
        folder.mkdir()
        head = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        needs = [f"Requires-Dist: {requirement}" for requirement in requires]
        (folder / "METADATA").write_text("\n".join([*head, *needs, ""]))
        points = [f"{habitat} = {target}" for habitat, target in (habitats or {}).items()]
        (folder / "entry_points.txt").write_text("\n".join(["[oneml.habitats]", *points, ""]))
        (folder / "RECORD").write_text("".join(f"{path.relative_to(self.packages).as_posix()},,\n" for path in record))

    def metadata(self, name: str, version: str = "1.0") -> Path:
        """Return the metadata folder of a distribution."""
        return self.packages / f"{name.replace('-', '_')}-{version}.dist-info"

    def edit(self, file: str, before: str, after: str) -> None:
        """Replace a text in a file below ``site``, which must hold it."""
        path = self.packages / file
        text = path.read_text()
        assert before in text, f"{file} does not hold {before!r}"
        path.write_text(text.replace(before, after))

    def write(self, file: str, text: str) -> None:
        """Write a file below ``site``."""
        path = self.packages / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def start(
        self,
        *arguments: str,
        code: Sequence[str] = COMMAND,
        cwd: Path | None = None,
        own_group: bool = False,
        **variables: str,
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.python, *code, *arguments],
            cwd=cwd or self.working,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=own_group,
        )

    def run(
        self, *arguments: str, code: Sequence[str] = COMMAND, cwd: Path | None = None, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        if code == COMMAND and (forks := self._forks(variables)) is not None:
            return forks.run(arguments, {**self.environment, **variables}, cwd or self.working)
        process = self.start(*arguments, code=code, cwd=cwd, **variables)
        out, err = process.communicate(timeout=TIMEOUT_SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def script(self, text: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run Python code."""
        if (forks := self._forks(variables)) is not None:
            return forks.run((), {**self.environment, **variables}, self.working, text=text)
        return self.run(code=("-P", "-c", text), **variables)

    def _forks(self, variables: Mapping[str, str]) -> Forks | None:
        return None if self.python != sys.executable or AT_THE_START.intersection(variables) else self.forks

    def create(self, habitat: str, *arguments: str, **variables: str) -> str:
        created = self.run("sessions", "create", habitat, "--json", *arguments, **variables)
        assert created.returncode == 0, created.stderr
        session_id: str = json.loads(created.stdout)["session_id"]
        return session_id

    def work(self, habitat: str, session_id: str, node: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Do as an engine does: run a node, told two names."""
        return self.run(
            "run-pipeline-node",
            node,
            ONEML_HABITATS_PIPELINE=habitat,
            ONEML_PIPELINE_SESSION_ID=session_id,
            **variables,
        )

    def states(self, session_id: str) -> Mapping[str, str]:
        shown = self.run("sessions", "show", session_id, "--json")
        document = json.loads(shown.stdout)
        return {path: node["state"] for path, node in document["nodes"].items()} | {"": document["state"]}
