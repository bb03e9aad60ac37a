"""What is told of errors of authors: their own lines first."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from dependency_injector import providers

from oneml.habitats.errors import InvalidNodePathError
from oneml.habitats.habitats.raised import described_error, raised_at, traceback_text
from oneml.habitats.sessions.async_bodies import awaited
from oneml.habitats.sessions.interrupts import Interrupts
from oneml.habitats.values.node_path import parse_node_path

HERE = Path(__file__).name


def raised(
    call: Callable[..., object], *arguments: object, kind: type[BaseException] = InvalidNodePathError
) -> BaseException:
    """Return what a call raises, with its traceback from there on."""
    with pytest.raises(kind) as caught:
        call(*arguments)
    trace = caught.value.__traceback__
    assert trace is not None
    return caught.value.with_traceback(trace.tb_next)


async def body() -> None:
    await asyncio.sleep(0)
    parse_node_path("no path")


def test_lines_of_the_author_come_first_and_what_they_called_follows() -> None:
    lines = traceback_text(raised(awaited, body(), Interrupts())).splitlines()
    assert HERE in lines[1]
    assert "body" in lines[1]
    assert any("node_path.py" in line for line in lines[2:])
    assert not any("async_bodies.py" in line or "asyncio" in line for line in lines)


def test_an_interrupt_is_told_with_the_line_that_it_met_and_not_with_its_handler() -> None:
    def hang() -> None:
        interrupts.strike()

    interrupts = Interrupts()
    interrupts.enter_body()
    with pytest.raises(KeyboardInterrupt) as caught:
        hang()
    lines = [line for line in traceback_text(caught.value).splitlines() if line.strip(" ~^")]
    assert lines[-2:] == ["    interrupts.strike()", "KeyboardInterrupt"]


def test_an_interrupt_of_a_coroutine_is_told_with_the_line_at_which_that_waits() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    async def deeper() -> None:
        asyncio.get_running_loop().call_soon(interrupt)
        await asyncio.sleep(60)

    async def hang() -> None:
        await deeper()

    lines = traceback_text(raised(awaited, hang(), Interrupts(), kind=KeyboardInterrupt)).splitlines()
    assert [line.strip() for line in lines if "await" in line][:2] == ["await deeper()", "await asyncio.sleep(60)"]
    assert HERE in lines[1]
    assert not any("async_bodies.py" in line or "in interrupt" in line for line in lines)


def test_an_error_of_our_own_to_which_no_author_led_is_told_by_its_text_alone() -> None:
    error = raised(parse_node_path, "no path")
    assert traceback_text(error) == f"oneml.habitats.errors.InvalidNodePathError: {error}\n"


def test_an_error_that_comes_of_one_of_an_author_keeps_all_of_its_lines() -> None:
    error = raised(parse_node_path, "no path")
    with pytest.raises(KeyError) as cause:
        {}["k"]
    error.__cause__ = cause.value
    text = traceback_text(error)
    assert "node_path.py" in text
    assert HERE in text


def test_an_error_of_python_within_this_package_keeps_all_of_its_lines() -> None:
    with pytest.raises(TypeError) as caught:
        parse_node_path(5)  # type: ignore[arg-type]
    trace = caught.value.__traceback__
    assert trace is not None
    assert "node_path.py" in traceback_text(caught.value.with_traceback(trace.tb_next))


class Rated:
    """Has one attribute."""

    rate = 0.5


def test_a_misspelt_attribute_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(AttributeError) as caught:
        Rated().rat  # type: ignore[attr-defined]  # noqa: B018
    assert "has no attribute 'rat'. Did you mean \"rate\"? (" in described_error(caught.value)
    with pytest.raises(AttributeError) as caught:
        Rated().unlike_all  # type: ignore[attr-defined]  # noqa: B018
    assert "Did you mean" not in described_error(caught.value)


class Unlisted:
    """Cannot list its names."""

    def __dir__(self) -> list[str]:
        raise NotImplementedError


def test_an_object_that_cannot_list_its_names_hides_no_error() -> None:
    with pytest.raises(AttributeError) as caught:
        Unlisted().rate  # type: ignore[attr-defined]  # noqa: B018
    assert described_error(caught.value).startswith("AttributeError: 'Unlisted' object has no attribute 'rate' (")


def test_what_compiled_code_raises_is_placed_at_the_line_that_called_it() -> None:
    with pytest.raises(Exception, match="coroutine function") as caught:
        providers.Coroutine(len)
    place = raised_at(caught.value)
    assert place is not None
    assert Path(place.file).name == HERE
