"""The same 1,000 trivial nodes as a bare loop, in hamilton, and handed to a thread."""

import os
import sys
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from hamilton import base, driver


def increment(x: int) -> int:
    """Return the next number."""
    return x + 1


def bare_chain(count: int) -> Callable[[], object]:
    """Return a loop that feeds each call with the result of the one before."""
    bodies = [increment] * count

    def run() -> int:
        value = 0
        for body in bodies:
            value = body(value)
        return value

    return run


def bare_fan_out(count: int) -> Callable[[], object]:
    """Return a loop that feeds each call with the result of the first."""
    bodies = [increment] * (count - 1)

    def run() -> list[int]:
        first = increment(0)
        return [body(first) for body in bodies]

    return run


def hamilton(count: int, *, chain: bool) -> Callable[[], object]:
    """Return what executes the nodes by hamilton, all outputs asked for where they fan out."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 20 * count))
    lines = ["def n0(seed: int) -> int: return seed + 1"]
    for number in range(1, count):
        source = number - 1 if chain else 0
        lines.append(f"def n{number}(n{source}: int) -> int: return n{source} + 1")
    module = types.ModuleType(f"hamilton_{'chain' if chain else 'fan_out'}_{count}")
    exec("\n".join(lines), module.__dict__)
    for value in vars(module).values():
        if isinstance(value, types.FunctionType):
            value.__module__ = module.__name__
    sys.modules[module.__name__] = module
    built = driver.Builder().with_modules(module).with_adapters(base.DefaultAdapter()).build()
    wanted = [f"n{count - 1}"] if chain else [f"n{number}" for number in range(count)]
    return lambda: built.execute(wanted, inputs={"seed": 0})


def hand_off(count: int) -> Callable[[], object]:
    """Return what hands each call to a thread and waits for it."""

    def run() -> int:
        value = 0
        with ThreadPoolExecutor(1) as pool:
            for _ in range(count):
                value = pool.submit(increment, value).result()
        return value

    return run


def durable_files(count: int, folder: Path) -> Callable[[], object]:
    """Return what makes ``count`` durable files by exclusive creation: written, synced, linked, folder synced."""

    def run() -> None:
        handle = os.open(folder, os.O_RDONLY)
        try:
            for _ in range(count):
                path = folder / uuid4().hex
                temporary = path.with_suffix(".new")
                with temporary.open("xb") as file:
                    file.write(b"1")
                    file.flush()
                    os.fsync(file.fileno())
                os.link(temporary, path)
                temporary.unlink()
                os.fsync(handle)
        finally:
            os.close(handle)

    return run
