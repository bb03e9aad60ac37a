"""Slurm as four small programs over a folder: what an engine sees of a cluster, without one.

``jobs/`` holds a line of fields for each job as ``squeue`` is to show it; a test changes, adds and deletes them. Files
named after a program (``sbatch.say``, ``squeue.sleep``, ...) make it fail with that text, or hang.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

WIDTHS = (20, 24, 160, 24, 16, 80, 200)

PROGRAM = """\
#!{python} -IS
import os, re, subprocess, sys, time
folder, name = {folder!r}, {name!r}
jobs = os.path.join(folder, "jobs")

def note(suffix):
    path = os.path.join(folder, name + suffix)
    return open(path).read() if os.path.exists(path) else None

def put(job, fields):
    new = os.path.join(folder, name + ".new." + str(os.getpid()))
    with open(new, "w") as file:
        file.write("\\x1f".join(fields))
    os.replace(new, os.path.join(jobs, job))  # whole or not at all: others read meanwhile

with open(os.path.join(folder, name + ".calls"), "a") as calls:
    calls.write("\\x1f".join(sys.argv[1:]) + "\\n")
with open(os.path.join(folder, name + ".environ"), "w") as environ:
    environ.write("\\n".join(sorted(os.environ)))
if note(".sleep"):
    time.sleep(float(note(".sleep")))
said = note(".say")
if name == "sbatch":
    script = sys.stdin.read()
    if said is None or note(".lost"):
        number = str(len(os.listdir(folder)) + 100)
        given = dict(part[2:].partition("=")[::2] for part in sys.argv[1:])
        open(os.path.join(folder, "script." + number), "w").write(script)
        last = given.get("array", "").partition("-")[2]
        for place in range(int(last) + 1) if last else ["N/A"]:
            fields = [number, str(place), given["job-name"], "PENDING", "0", "None", ""]
            put(given["job-name"] + "@" + str(place).replace("/", ""), fields)
        if said is None:
            print(number + ";cluster")
elif name == "squeue" and said is None:
    for job in sorted(os.listdir(jobs)):
        fields = open(os.path.join(jobs, job)).read().split("\\x1f")
        print("".join(field.ljust(width)[:width] for field, width in zip(fields, {widths})))
elif name == "scancel" and said is None:
    ids = [part for part in sys.argv[1:] if not part.startswith("-")]
    for job in os.listdir(jobs):
        fields = open(os.path.join(jobs, job)).read().split("\\x1f")
        if fields[0] in ids or fields[0] + "_" + fields[1] in ids:
            fields[3] = "CANCELLED"
            put(job, fields)
elif name == "scontrol" and said is None:
    print(open(os.path.join(folder, "script." + sys.argv[3])).read())
if said is not None:
    sys.exit(name + ": error: " + said)
"""


class FakeSlurm:
    """The programs, and what they were told.

    Args:
        folder: Holds everything; ``bin`` goes on PATH.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        for made in (self.bin, folder / "jobs"):
            made.mkdir(parents=True)
        for name in ("sbatch", "squeue", "scancel", "scontrol"):
            program = self.bin / name
            program.write_text(PROGRAM.format(python=sys.executable, folder=str(folder), name=name, widths=WIDTHS))
            program.chmod(0o755)

    def calls(self, name: str) -> list[list[str]]:
        """The arguments of each call of a program."""
        path = self.folder / f"{name}.calls"
        return [line.split("\x1f") for line in path.read_text().splitlines()] if path.exists() else []

    def environ(self, name: str) -> list[str]:
        """The names of the variables that a program saw."""
        return (self.folder / f"{name}.environ").read_text().splitlines()

    def script(self) -> str:
        """The only batch script."""
        (path,) = self.folder.glob("script.*")
        return path.read_text()

    def say(self, name: str, text: str | None, suffix: str = ".say") -> None:
        """Make a program fail with a text, or with None work again."""
        path = self.folder / f"{name}{suffix}"
        if text is None:
            path.unlink()
        else:
            path.write_text(text)

    def jobs(self) -> list[Path]:
        return sorted((self.folder / "jobs").iterdir())

    def states(self) -> list[str]:
        """What the queue shows of the jobs."""
        return [job.read_text().split("\x1f")[3] for job in self.jobs()]

    def show(self, state: str, *, status: int = 0, reason: str = "None", nodes: str = "n1") -> None:
        """Let the queue show all jobs in a state."""
        for job in self.jobs():
            fields = job.read_text().split("\x1f")
            self._write(job, [*fields[:3], state, str(status), reason, nodes])

    def add(self, job_id: str, place: str, name: str, state: str) -> None:
        """Put a job into the queue that nobody submitted."""
        self._write(
            self.folder / "jobs" / f"{name}@{place.replace('/', '')}", [job_id, place, name, state, "0", "None", ""]
        )

    def forget(self) -> None:
        """Let the queue know nothing any more."""
        for job in self.jobs():
            job.unlink()

    def _write(self, job: Path, fields: Sequence[str]) -> None:
        """Write at once, as a queue shows a job."""
        new = self.folder / "new"
        new.write_text("\x1f".join(fields))
        os.replace(new, job)  # noqa: PTH105  # as named
