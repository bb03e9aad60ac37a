"""A pipeline package for tests of the command line: ports, a fan-out, an input, a body that prints, failures."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dependency_injector import providers
from pydantic import Field, SecretStr

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class ProbeSettings(PipelineSettings):
    """What can be set."""

    greeting: str = Field(default="Hello", description="What is said to whoever is named.")
    fail: bool = False
    hang: bool = False
    wait: bool = False
    times: tuple[int, ...] = (1, 2)
    token: SecretStr | None = None


class Parts(NamedTuple):
    """Three ports, of three serializers."""

    text: str
    raw: bytes
    number: float


@dataclass(frozen=True)
class Make:
    """Greets, and prints from here and from a child process."""

    greeting: str

    def __call__(self, name: str) -> Parts:
        """Return the greeting and more."""
        print("printed by the body")  # noqa: T201  # as bodies do
        subprocess.run(["echo", "printed by a child"], check=True)
        return Parts(text=f"{self.greeting}, {name}!", raw=b"\x89PNG\x00\xff", number=0.5)


class Repeat:
    """Says it several times; or says what a file says, as no node should, or leaves where a file says so."""

    def __call__(self, text: str, times: int) -> str:
        """Return the text, repeated."""
        outside = Path("outside")
        if outside.exists():
            return outside.read_text()
        if Path("leave").exists():
            os._exit(0)
        return " ".join([text] * times)


@dataclass(frozen=True)
class Join:
    """Puts texts together; or fails, interrupts itself, or waits until somebody interrupts it."""

    fail: bool
    hang: bool
    wait: bool

    def __call__(self, texts: Sequence[str]) -> dict[str, list[str]]:
        """Return the texts."""
        if self.hang:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(30)
        if self.wait:
            marker = Path("waiting.new")
            marker.write_text(str(os.getpid()))
            marker.rename("waiting")
            time.sleep(30)
        if self.fail:
            message = "asked to fail"
            raise ValueError(message)
        return {"texts": list(texts)}


class Nothing:
    """Returns nothing."""

    def __call__(self, joined: dict[str, list[str]]) -> None:
        """Do nothing."""


class Probe(PipelineComponents):
    """Make, repeat, join."""

    settings = Settings(ProbeSettings)
    make = providers.Factory(Make, greeting=settings.node.greeting)
    repeat = providers.Factory(Repeat)
    join = providers.Factory(Join, fail=settings.node.fail, hang=settings.node.hang, wait=settings.node.wait)
    nothing = providers.Factory(Nothing)

    def define(self, pipeline: PipelineBuilder) -> None:
        """Define ``//make``, ``//repeat/N``, ``//join`` and ``//nothing``."""
        made = pipeline.node("make", self.make)(name=pipeline.input("name", str))
        said = pipeline.node("repeat", self.repeat)(text=made.text, times=pipeline.each(self.settings.session.times))
        joined = pipeline.node("join", self.join)(texts=pipeline.gather(said))
        pipeline.node("nothing", self.nothing)(joined=joined)
        pipeline.output("joined", joined)
        pipeline.output("raw", made.raw)
        pipeline.output("number", made.number)
