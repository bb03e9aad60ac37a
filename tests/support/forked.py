"""Runs several command lines of oneml, each in a child that was forked before any code of a pipeline was imported.

The arguments are command lines, words separated by spaces. Prints a JSON array: exit code and what was said, of each.
"""

import json
import os
import sys
import tempfile

from oneml.habitats.cli import main
from oneml.habitats.sessions import client  # noqa: F401  # what every command imports is imported once


def run(words: list[str]) -> tuple[int, str]:
    """Run one command line in a child, and wait for it."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if not child:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            sys.argv = ["oneml", *words]
            main()
        _, status = os.waitpid(child, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read().decode(errors="replace")


if __name__ == "__main__":
    print(json.dumps([run(line.split(" ")) for line in sys.argv[1:]]))
