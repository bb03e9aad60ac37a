"""A command ends with its exit code also where a thread hangs inside of a library."""

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, threading
from oneml.habitats.cli.hanging import end_at_once_where_something_hangs
from oneml.habitats.engines.left_behind import any_left, done_within

atexit.register(print, "registered has run")
assert done_within(5, lambda: None, name="quick") and not any_left()
assert not done_within(0.05, threading.Event().wait, name="hangs") and any_left()
try:
    raise SystemExit({code})
except SystemExit as ending:
    end_at_once_where_something_hangs(ending.code)
print("went on")
"""


@pytest.mark.parametrize(("code", "expected"), [("4", 4), ("None", 0), ("'text'", 1)])
def test_the_process_ends_at_once_after_what_is_registered_has_run(code: str, expected: int) -> None:
    program = PROGRAM.format(code=code)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (expected, "registered has run\n")


def test_where_nothing_hangs_the_interpreter_ends_as_usual() -> None:
    program = PROGRAM.format(code="4").replace("not done_within(0.05, threading.Event().wait", "done_within(5, bool")
    program = program.replace('name="hangs") and any_left()', 'name="hangs") and not any_left()')
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "went on\nregistered has run\n")
