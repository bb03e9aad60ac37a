"""What the figures were measured on."""

import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "click",
    "dependency-injector",
    "dishka",
    "networkx",
    "oneml-habitats",
    "pydantic",
    "pydantic-settings",
    "sf-hamilton",
    "wireup",
)


def describe() -> Iterator[tuple[str, str]]:
    """Give the facts of this machine, as name and value."""
    yield "date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield "system", f"{platform.system()} {platform.machine()}"
    yield "processor", f"{_processor()}, {os.cpu_count()} cores"
    yield "load", f"{os.getloadavg()[0]:.1f} when it began"
    yield "Python", f"{platform.python_implementation()} {platform.python_version()}"
    yield "packages", ", ".join(f"{name} {_version(name)}" for name in PACKAGES)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(absent)"


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
