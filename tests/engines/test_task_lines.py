"""Lines that nodes print beside others: cut, bounded, and without secrets wherever they are cut."""

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stdout

import pytest

from oneml.habitats.engines.task_lines import LINE_MAX_CHARACTERS, LOG_MAX_CHARACTERS, LineSink, diverted

SECRET = "s3cr3t-canary"


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def sink(lines: list[str]) -> LineSink:
    def at_once(_seconds: float, call: Callable[[], None]) -> None:
        call()

    return LineSink(lines.extend, at_once, lambda text: text.replace(SECRET, "***"))


def test_text_is_cut_into_lines_and_the_last_needs_no_end(sink: LineSink, lines: list[str]) -> None:
    for text in ("fir", "st\r\n\nthi", "rd"):
        sink.write(text)
    sink.show_rest()
    assert lines == ["first", "", "third"]


@pytest.mark.parametrize("before", range(LINE_MAX_CHARACTERS - len(SECRET) - 1, LINE_MAX_CHARACTERS + 2))
@pytest.mark.parametrize("end", ["", "\n", "." * LINE_MAX_CHARACTERS * 3])
def test_no_part_of_a_secret_is_told_where_a_line_is_cut(
    sink: LineSink, lines: list[str], before: int, end: str
) -> None:
    for text in ("." * before, SECRET[:6], SECRET[6:] + end):
        sink.write(text)
    sink.show_rest()
    assert max(map(len, lines)) <= LINE_MAX_CHARACTERS
    assert "".join(lines).strip(".") == "***"


def test_a_flood_is_cut_off_and_told(sink: LineSink, lines: list[str]) -> None:
    for _ in range(3 * LOG_MAX_CHARACTERS // 1000):
        sink.write("x" * 999 + "\n")
    sink.show_rest()
    assert sum(map(len, lines)) < LOG_MAX_CHARACTERS + LINE_MAX_CHARACTERS
    assert lines[-1] == f"... output beyond {LOG_MAX_CHARACTERS} characters is dropped"


def test_what_stands_in_front_of_a_stream_is_never_closed() -> None:
    behind = io.StringIO()
    with redirect_stdout(behind), diverted():
        front = sys.stdout  # as handlers of logging hold it
    behind.close()
    front.close()
    assert not front.closed
