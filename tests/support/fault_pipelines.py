"""Bodies that bring faults about as often as settings say, and leave a file for each run; workers import them."""

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dependency_injector import providers
from pydantic_settings import SettingsConfigDict

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings
from oneml.habitats.sessions.attempts import AttemptLog, Commit
from oneml.habitats.values.node_path import NodePath


class FaultSettings(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="FAULT_")
    folder: str = ""
    seconds: float = 60.0
    hows: tuple[str, ...] = ("kill",)


def runs_of(folder: Path, node: str) -> list[int]:
    """Return the processes of the runs of a node, in order."""
    return [int(path.name.rpartition("-")[2]) for path in sorted((folder / node).glob("*"))]


@dataclass(frozen=True)
class First:
    folder: str

    def __call__(self) -> int:
        leave(self.folder, "first")
        return 1


@dataclass(frozen=True)
class Faulty:
    folder: str
    seconds: float

    def __call__(self, value: int, how: str) -> int:
        runs = leave(self.folder, how)
        if how in {"gate", "stop_late"}:
            tell_commits(self.folder)
            wait_for_gate(self.folder, runs)
        if runs == 1 or how in {"poison", "memory"}:
            bring_about(how, self.folder, self.seconds)
        return value + runs


class After:
    def __call__(self, value: int) -> int:
        return value * 10


def leave(folder: str, node: str) -> int:
    place = Path(folder, node)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{time.time_ns()}-{os.getpid()}").touch()
    return len(list(place.iterdir()))


def bring_about(how: str, folder: str, seconds: float) -> None:
    if how in {"kill", "poison"}:
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "os_exit":
        os._exit(0)
    if how == "segfault":
        ctypes.string_at(0)
    if how == "kill_after_commit":
        tell_commits(folder, then=lambda: os.kill(os.getpid(), signal.SIGKILL))
    if how == "memory":
        held = bytearray(500 << 20)
        time.sleep(seconds + len(held))
    if how == "stop_late":
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGSTOP)).start()
    if how == "late_kill":
        threading.Thread(target=kill_when, args=(Path(folder, "committed"),), daemon=True).start()
    if how == "sleep":
        time.sleep(seconds)


def wait_for_gate(folder: str, run: int) -> None:
    """Wait until somebody opened the gate for this run."""
    while not gate(Path(folder), run).exists():
        time.sleep(0.02)


def gate(folder: Path, run: int) -> Path:
    """Return the file that lets a run of a body go on."""
    return folder / f"gate-{run}"


def tell_commits(folder: str, then: Callable[[], object] = int) -> None:
    """Have this process write down which attempt it offers to commit from now on, and which one stands."""
    commit = AttemptLog.commit

    def told(log: AttemptLog, path: NodePath, offered: Commit) -> Commit:
        standing = commit(log, path, offered)
        place = Path(folder, "commits")
        place.mkdir(exist_ok=True)
        (place / f"{path.removeprefix('//')}-{offered.attempt}-{standing.attempt}").touch()
        then()
        return standing

    AttemptLog.commit = told  # type: ignore[method-assign]


def commits_of(folder: Path, node: str) -> set[tuple[int, int]]:
    """Return which attempts at a node were offered, each with the one that stood then."""
    names = (path.name.split("-") for path in (folder / "commits").glob(f"{node}-*"))
    return {(int(offered), int(standing)) for _, offered, standing in names}


def kill_when(file: Path) -> None:
    """End this process once a file is there, which says that an output is committed."""
    while not file.exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


class Faults(PipelineComponents):
    """One node of each fault, all after one, and one after each."""

    settings = Settings(FaultSettings)
    first = providers.Factory(First, folder=settings.session.folder)
    faulty = providers.Factory(Faulty, folder=settings.session.folder, seconds=settings.session.seconds)
    after = providers.Factory(After)

    def define(self, pipeline: PipelineBuilder) -> None:
        first = pipeline.node("first", self.first)()
        for how in self.settings.session.hows:
            value = pipeline.node(how, self.faulty)(value=first, how=how)
            pipeline.output(how, pipeline.node(f"after_{how}", self.after)(value=value))
