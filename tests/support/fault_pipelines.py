"""Bodies that bring faults about as often as settings say, and leave a file for each run; workers import them."""

import ctypes
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from dependency_injector import providers
from pydantic_settings import SettingsConfigDict

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


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
        if runs == 1 or how == "poison":
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
    if how == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    if how == "term":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(seconds)
    if how == "late_kill":
        threading.Thread(target=kill_when, args=(Path(folder, "committed"),), daemon=True).start()
    if how == "sleep":
        time.sleep(seconds)


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
