"""Counts false alarms: many unchanged runs across processes, hash seeds, start methods, folders and install forms.

Every run is a worker's check in an interpreter of its own (of ``fork``: in a child of one). Run as a program, it prints
a table, and ends with 1 where anything was refused: ``make drift``.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import NamedTuple

from harbour_site import PLAIN, VARIABLES, Harbour, installed, with_sessions
from installed_site import COMMAND

NODES = ("//load", "//weigh", "//report", "//wash")
STARTED = Path(__file__).with_name("started.py")
TURN = 20
"""Runs of one turn over all ways to start."""


class Batch(NamedTuple):
    """Runs that one command makes.

    Attributes:
        way: How they are started.
        runs: How many they are.
        said: What was refused, as it was said; empty where all is well.
    """

    way: str
    runs: int
    said: str


class Circumstances(NamedTuple):
    """Under what a batch runs.

    Attributes:
        harbour: An installation.
        variant: Of the session.
        seed: Of hashes.
        working: The working directory.
    """

    harbour: Harbour
    variant: str
    seed: int
    working: Path

    @property
    def variables(self) -> Mapping[str, str]:
        return {**VARIABLES[self.variant], "PYTHONHASHSEED": str(self.seed)}

    @property
    def session(self) -> str:
        return f"{self.variant}-process"


def installations(folder: Path) -> Sequence[Harbour]:
    """Return one environment with sessions, and two others that share its store: one compiled, one linked."""
    original = with_sessions(installed(folder / "original"))
    compiled, linked = installed(folder / "compiled"), installed(folder / "linked" / "ü ö")
    del compiled.environment["PYTHONDONTWRITEBYTECODE"]
    sources = linked.folder / "sources"
    sources.mkdir()
    shutil.move(linked.packages / "harbour", sources / "harbour")
    linked.packages.joinpath("harbour.pth").write_text(f"{sources}\n")
    (linked.metadata("harbour") / "RECORD").write_text("harbour.pth,,\n")
    linked.write("sitecustomize.py", f"import site\nsite.addsitedir({str(linked.packages)!r})\n")
    for other in (compiled, linked):
        other.environment["ONEML_STORE_URL"] = original.environment["ONEML_STORE_URL"]
    return original, compiled, linked


def circumstances(harbours: Sequence[Harbour]) -> Iterator[Circumstances]:
    """Give ever new circumstances."""
    variants = list(VARIABLES)
    for number in count():
        harbour = harbours[number % len(harbours)]
        working = (harbour.working, harbour.folder, Path("/"))[number // 3 % 3]
        yield Circumstances(harbour, variants[number // 2 % len(variants)], number * 37 % 4_294_967_295, working)


def by_command(here: Circumstances) -> Batch:
    """Prove one node by a command of its own."""
    node = NODES[here.seed % len(NODES)]
    return _batch("oneml prove", 1, here, "prove", here.session, node)


def by_engine(here: Circumstances) -> Batch:
    """Create a session and run it, each node in a process."""
    plain = here._replace(variant=PLAIN)
    return _batch("process engine", len(NODES), plain, "run-pipeline", "harbour", "--engine", "process", "--quiet")


def by(method: str, runs: int) -> Callable[[Circumstances], Batch]:
    """Prove nodes in processes that are started by a method of `multiprocessing`."""
    code = ("-P", str(STARTED))
    short = {"TMPDIR": tempfile.gettempdir()}  # a fork server listens there, at a path of at most 108 characters
    return lambda here: _batch(method, runs, here, method, str(runs), here.session, *NODES, code=code, **short)


def _batch(
    way: str, runs: int, here: Circumstances, *arguments: str, code: Sequence[str] = COMMAND, **variables: str
) -> Batch:
    done = here.harbour.run(*arguments, code=code, cwd=here.working, **{**here.variables, **variables})
    return Batch(way, runs, "" if done.returncode == 0 else f"{here}\n{done.stdout}{done.stderr}")


TURN_OF_WAYS = (*[by_command] * 10, by_engine, by("spawn", 2), by("forkserver", 2), by("fork", 2))


def measure(runs: int, folder: Path, *, workers: int = 2) -> list[Batch]:
    """Make so many runs, or a few more, and return what became of them."""
    under = circumstances(installations(folder))
    turns = -(-runs // TURN)
    with ThreadPoolExecutor(workers) as executor:
        waiting = [executor.submit(way, next(under)) for _ in range(turns) for way in TURN_OF_WAYS]
        return [each.result() for each in waiting]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        batches = measure(parser.parse_args().runs, Path(folder))
    made, alarms = Counter[str](), Counter[str]()
    for batch in batches:
        made[batch.way] += batch.runs
        alarms[batch.way] += batch.runs if batch.said else 0
    print("| started by | runs | false alarms |\n|---|---|---|")
    for way in made:
        print(f"| {way} | {made[way]} | {alarms[way]} |")
    print(f"| all, in {time.monotonic() - began:.0f} s | {made.total()} | {alarms.total()} |")
    print(*[batch.said for batch in batches if batch.said][:3], sep="\n", end="")
    return 1 if alarms.total() else 0


if __name__ == "__main__":
    sys.exit(main())
