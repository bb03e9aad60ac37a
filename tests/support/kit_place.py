"""Runs `kit_suite` on an engine, in a pytest of their own that starts amid settings of others."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import loopback_only

SUPPORT = Path(loopback_only.__file__).parent
ROOT = SUPPORT.parents[1]
SECONDS = 300
LEFT = (
    "test_leaves_an_override left behind:",
    "kit_shop.py:",
    "overridden for everybody by",
    "replace(Shop.client, ...)",
    "test_leaves_a_session_running",
    "It is stopped now: wait for `run`.",
)


def run_kit(engine: Mapping[str, object], folder: Path, *, alone: bool = False) -> None:
    """Run it, and hold what pytest says against what it has to say.

    Args:
        engine: Settings of sessions.
        folder: Where it may write.
        alone: Whether it runs without the network of this machine; skips where that cannot be had.
    """
    reason = loopback_only.reason_against() if alone else None
    if reason is not None:
        pytest.skip(reason)
    options = ["-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "-p", "no:xdist"]
    words = ["-m", "pytest", *options, "--basetemp", str(folder / "t"), "--durations=12", str(SUPPORT / "kit_suite.py")]
    done = subprocess.run(
        loopback_only.command(sys.executable, *words) if alone else [sys.executable, *words],
        cwd=_amid_settings(folder),
        env={**os.environ, **_variables(folder), "PYTHONPATH": f"{SUPPORT}:{ROOT}", "KIT_ENGINE": json.dumps(engine)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    said = done.stdout[-9000:] + done.stderr[-2000:]
    assert re.search(r"^=+ \d+ passed, 2 errors in ", done.stdout, re.MULTILINE), said
    for text in LEFT:
        assert text in done.stdout, said


def _variables(folder: Path) -> Mapping[str, str]:
    return {
        "XDG_CONFIG_HOME": str(folder / "config"),
        "ONEML_SETTINGS__RETRIES": "9",
        "ONEML_SETTINGS__ENGINE": "nowhere",
        "ONEML_STORE_URL": (folder / "nowhere").as_uri(),
        "SHOP_FACTOR": "100",
    }


def _amid_settings(folder: Path) -> Path:
    """Write settings files where a process would look for them, and return its working directory."""
    working, config = folder / "work", folder / "config" / "oneml"
    for made in (working, config):
        made.mkdir(parents=True)
    (config / "settings.toml").write_text("retries = 7\n")
    (working / "oneml.toml").write_text("retries = 8\n")
    (working / ".env").write_text("SHOP_FACTOR=101\n")
    return working
