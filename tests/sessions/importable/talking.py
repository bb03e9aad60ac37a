"""Nodes that print, in the ways in which code prints."""

# ruff: noqa: T201

import logging
import multiprocessing
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

from dependency_injector import providers
from pydantic import SecretStr

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSessionContext, PipelineSettings, Settings

log = logging.getLogger("talking")


class TalkingSettings(PipelineSettings):
    token: SecretStr = SecretStr("s3cr3t-canary")
    folder: Path = Path()


class Say:
    """Prints in many ways."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def __call__(self) -> None:
        print("to stdout", self._token.get_secret_value())
        print("to stderr", file=sys.stderr)
        handler = logging.StreamHandler()
        log.addHandler(handler)
        log.warning("logged")
        log.removeHandler(handler)
        thread = threading.Thread(target=print, args=["from a thread"])
        thread.start()
        thread.join()
        for percent in (10, 50, 100):
            print(f"\r{percent}%", end="", flush=True)
        print("\nwithout an end", end="")


class Fork:
    """Prints in a child process."""

    def __call__(self) -> None:
        child = multiprocessing.get_context("fork").Process(target=print, args=["from a child"])
        child.start()
        child.join()
        assert child.exitcode == 0


class Ask:
    """Asks whoever sits at the terminal."""

    def __call__(self) -> None:
        print(f"You said {input('What? ')}.")


class Talk:
    """Prints its name while others print theirs."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder

    def __call__(self) -> None:
        (self._folder / self._name).touch()
        patience = time.monotonic() + 30
        while len(list(self._folder.iterdir())) < 2 and time.monotonic() < patience:
            time.sleep(0.01)
        for number in range(50):
            print(f"{self._name} {number}")
            time.sleep(0.001)


class Nest:
    """Runs another session, which nobody observes."""

    def __call__(self) -> None:
        with PipelineSessionContext.nested_session("say") as session:
            assert session.run().succeeded


class Tell:
    """Tells an observer of lines while it still runs."""

    def __call__(self) -> None:
        print("begun")
        print("before the end")
        Heard.before_the_end = tuple(Heard.lines)


class Heard:
    """What an observer of the test has heard."""

    lines: ClassVar[list[str]] = []
    before_the_end: ClassVar[tuple[str, ...]] = ()


class One(PipelineComponents):
    settings = Settings(TalkingSettings)


class SayIt(One):
    say = providers.Factory(Say, One.settings.session.token)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("say", self.say)()


class ForkIt(One):
    fork = providers.Factory(Fork)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("fork", self.fork)()


class AskIt(One):
    ask = providers.Factory(Ask)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("ask", self.ask)()


class TalkBoth(One):
    one = providers.Factory(Talk, "one", One.settings.session.folder)
    two = providers.Factory(Talk, "two", One.settings.session.folder)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("one", self.one)()
        pipeline.node("two", self.two)()


class NestIt(One):
    nest = providers.Factory(Nest)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("nest", self.nest)()


class TellIt(One):
    tell = providers.Factory(Tell)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.node("tell", self.tell)()
