"""A body that ends the process of a command is no success."""

import subprocess
import sys

import pytest

PROGRAM = """
import os
from oneml.habitats.cli.leaving import leaving_fails

with leaving_fails("it left"):
    os._exit({status})
"""


@pytest.mark.parametrize(
    ("status", "expected", "told"), [(0, 1, "it left\n"), (256, 1, "it left\n"), (3, 3, ""), (-1, 255, "")]
)
def test_what_would_end_the_process_with_success_ends_it_with_a_failure(status: int, expected: int, told: str) -> None:
    program = PROGRAM.format(status=status)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (expected, told)
