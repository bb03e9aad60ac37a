"""Values by node path: each made once, when it is first asked for."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from oneml.habitats.values.made_by_path import MadeByPath
from oneml.habitats.values.node_path import NodePath

ONE, TWO = NodePath("//one"), NodePath("//two")


def test_a_value_is_made_when_it_is_first_asked_for() -> None:
    made: list[NodePath] = []
    values = MadeByPath([ONE, TWO], lambda path: made.append(path) or path[2:])
    assert (list(values.paths), values.made(), made) == ([ONE, TWO], {}, [])
    assert values.at(TWO) == values.at(TWO) == "two"
    assert (values.made(), made) == ({TWO: "two"}, [TWO])


def test_threads_that_ask_together_have_one_value() -> None:
    values, together = MadeByPath([ONE], lambda _: object()), Barrier(8)

    def ask() -> object:
        together.wait()
        return values.at(ONE)

    with ThreadPoolExecutor(8) as pool:
        assert len({id(asked.result()) for asked in [pool.submit(ask) for _ in range(8)]}) == 1


def test_what_is_put_in_is_not_made() -> None:
    values = MadeByPath([ONE], lambda path: path[2:])
    values.put(TWO, "other")
    assert (list(values.paths), values.at(TWO), values.made()) == ([ONE, TWO], "other", {TWO: "other"})


def test_what_could_not_be_made_is_made_again() -> None:
    given = iter([None, "one"])

    def make(_: NodePath) -> str:
        found = next(given)
        if found is None:
            raise LookupError
        return found

    values = MadeByPath([ONE], make)
    with pytest.raises(LookupError):
        values.at(ONE)
    assert values.at(ONE) == "one"
