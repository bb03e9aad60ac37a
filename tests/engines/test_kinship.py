"""What is asked of the kernel about processes and threads."""

import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from oneml.habitats.engines.kinship import LINUX, child_ids

pytestmark = pytest.mark.skipif(not LINUX, reason="only Linux tells")


@contextmanager
def _threads_that_come_and_go() -> Generator[None]:
    over = threading.Event()

    def start_others() -> None:
        while not over.is_set():
            brief = [threading.Thread(target=int) for _ in range(8)]
            for thread in brief:
                thread.start()
            for thread in brief:
                thread.join()

    starter = threading.Thread(target=start_others)
    starter.start()
    try:
        yield
    finally:
        over.set()
        starter.join()


def test_children_are_told_while_threads_end() -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as child:
        with _threads_that_come_and_go():
            told = [child_ids() for _ in range(1000)]
        child.communicate()
    assert all(child.pid in found for found in told)
