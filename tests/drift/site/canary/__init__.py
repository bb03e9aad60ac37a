"""A pipeline package with secrets on every way, whose nodes tell them wherever a body can, and fail."""

import base64
import json
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from dependency_injector import providers
from pydantic import BaseModel, Field, SecretBytes, SecretStr
from pydantic_settings import SettingsConfigDict

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings

DEFAULT = 'def4ult/"Zq&9x"\\ü+canary-4444'


class Account(BaseModel):
    """Who asks."""

    user: str = "nobody"
    password: SecretStr = SecretStr("")


class CanarySettings(PipelineSettings):
    """Secrets by variable, by file, by default, nested, as bytes."""

    model_config = SettingsConfigDict(env_prefix="CANARY_")

    by_variable: SecretStr = SecretStr("")
    by_file: SecretStr = SecretStr("")
    by_default: SecretStr = SecretStr(DEFAULT)
    account: Account = Account()
    raw: SecretBytes = SecretBytes(b"")
    long: Annotated[SecretStr, Field(min_length=300)] = SecretStr("x" * 300)
    shout: bool = False


@dataclass(frozen=True)
class Client:
    """Holds all of them."""

    by_variable: SecretStr
    by_file: SecretStr
    by_default: SecretStr
    password: SecretStr
    raw: SecretBytes

    def texts(self) -> list[str]:
        """Return what nobody may see."""
        plain = [self.by_variable, self.by_file, self.by_default, self.password]
        return [*(each.get_secret_value() for each in plain), self.raw.get_secret_value().decode()]


@dataclass(frozen=True)
class Tell:
    """Tells secrets in every form, to logs and in an exception; to standard output where its output is masked."""

    client: Client
    shout: bool

    def __call__(self) -> str:
        """Fail.

        Raises:
            ValueError: With secrets in its text.
        """
        report_process()
        told = " ".join(form for text in self.client.texts() for form in forms(text))
        if self.shout:
            print(told)  # noqa: T201  # as bodies do
            print(told, file=sys.stderr, flush=True)  # noqa: T201  # as bodies do
            logging.getLogger("canary").error("%s", told)
        message = f"refused: {told}"
        raise ValueError(message)


class Work:
    """Does nothing wrong."""

    def __call__(self) -> str:
        """Return a text."""
        report_process()
        return "worked"


def forms(text: str) -> list[str]:
    """Return the text in the forms in which programs write it."""
    data = text.encode()
    coded = [base64.b64encode(b"\0" * offset + data).decode() for offset in range(3)]
    return [
        text,
        *coded,
        data.hex(),
        data.hex().upper(),
        quote(text),
        quote(text, safe=""),
        json.dumps(text),
        repr(text),
    ]


def report_process() -> None:
    """Write down what others see of this process, but for the variables that hold secrets."""
    folder = os.environ.get("QUAY_MARKS")
    if folder and Path("/proc/self/environ").exists():
        held = (b"CANARY_BY_VARIABLE=", b"ONEML_SIGNING_KEY=")
        variables = Path("/proc/self/environ").read_bytes().split(b"\0")
        seen = [Path("/proc/self/cmdline").read_bytes(), *(each for each in variables if not each.startswith(held))]
        Path(folder, f"process-{os.getpid()}").write_bytes(b"\n".join(seen))


class Canary(PipelineComponents):
    """Two nodes: one tells, one works."""

    settings = Settings(CanarySettings)
    client = providers.Singleton(
        Client,
        by_variable=settings.session.by_variable,
        by_file=settings.session.by_file,
        by_default=settings.session.by_default,
        password=settings.session.account.password,
        raw=settings.session.raw,
    )
    tell = providers.Factory(Tell, client=client, shout=settings.node.shout)
    work = providers.Factory(Work)

    def define(self, pipeline: PipelineBuilder) -> None:
        """Define two nodes."""
        pipeline.node("tell", self.tell)()
        pipeline.output("worked", pipeline.node("work", self.work)())
