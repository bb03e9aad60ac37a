"""Forks commands off before any code of a pipeline is imported: as a program, one for each line of standard input.

A line is JSON: ``words`` of the command, or ``text`` of a script, with its ``environment`` and ``working`` directory.
The answer is JSON, too: exit code, standard output and standard error.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

PRELOADED = (
    "dependency_injector.containers",
    "dependency_injector.providers",
    "oneml.habitats.cli",
    "oneml.habitats.sessions.client",
    "oneml.habitats.sessions.worker",
)
"""What every command imports is imported once."""

TIMEOUT_SECONDS = 120


class Forks:
    """The program, as its parent sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], working: Path, *, text: str | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command of oneml, or a script, as a process that is started in this environment."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told = {"words": words, "text": text, "environment": dict(environment), "working": str(working)}
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        return subprocess.CompletedProcess(words, *json.loads(self._process.stdout.readline()))


@contextmanager
def forking() -> Iterator[Forks]:
    """Start the program."""
    process = subprocess.Popen(
        [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    with process:
        try:
            yield Forks(process)
        finally:
            process.kill()


def become(environment: Mapping[str, str], working: str, *, without: str = "") -> None:
    """Have the environment and the search path of a process that is started there.

    Args:
        environment: The variables.
        working: The directory.
        without: A folder of the search path that such a process has not.
    """
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(working)
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    path = os.environ["PYTHONPATH"].split(os.pathsep)
    sys.path[:] = [*path, *(entry for entry in sys.path if entry != without)]
    sys.modules.pop("sitecustomize", None)
    with suppress(ModuleNotFoundError):
        import_module("sitecustomize")


def main() -> None:
    for name in PRELOADED:
        import_module(name)
    from oneml.habitats.cli import main as command

    answers = os.dup(1)
    for line in sys.stdin:
        told = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if not child:
                os.close(answers)
                nothing = os.open(os.devnull, os.O_RDONLY)
                for given, number in ((nothing, 0), (out.fileno(), 1), (err.fileno(), 2)):
                    os.dup2(given, number)
                become(told["environment"], told["working"])
                signal.alarm(TIMEOUT_SECONDS)
                sys.argv = ["oneml", *told["words"]]
                if told["text"] is None:
                    command()
                exec(told["text"], {"__name__": "__main__"})  # noqa: S102  # of the test
                sys.exit()
            _, status = os.waitpid(child, 0)
            answer: list[int | str] = [os.waitstatus_to_exitcode(status)]
            for said in (out, err):
                said.seek(0)
                answer.append(said.read().decode(errors="replace"))
        os.write(answers, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
