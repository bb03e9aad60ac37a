"""Secrets that must show nowhere, and the search for them in every form in which programs write texts."""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from forked import Forks
from harbour_site import SOURCES, equipped
from installed_site import Site

BY_VARIABLE = 'v4riable/"Zq&9x"\\ü+canary-1111'
BY_FILE = "f1le/'Zq&9x'\\ü+canary-2222"
NESTED = "n3sted/'Zq&9x'\\ü+canary-3333"
BY_DEFAULT = 'def4ult/"Zq&9x"\\ü+canary-4444'
RAW = "r4w/'Zq&9x'\\ü+canary-5555"
SIGNING_KEY = "k3y/'Zq&9x'\\ü+canary-6666-0123456789abcdef"
CANARIES: Mapping[str, str] = {
    "by variable": BY_VARIABLE,
    "by file": BY_FILE,
    "nested": NESTED,
    "by default": BY_DEFAULT,
    "as bytes": RAW,
    "signing key": SIGNING_KEY,
}
SETTINGS = (
    *("--set", "by_file=file:by-file"),
    *("--set", "account.password=file:nested"),
    *("--set", "raw=file:raw"),
)
LEFT_OUT = ("site", "secrets")
"""What is searched holds everything but the package with its default, and the secrets themselves."""


def new_aviary(folder: Path, *, forks: Forks | None = None) -> Site:
    """Return a new environment in which the canary is installed, with its secrets in place."""
    site = Site(folder, forks=forks)
    site.install("canary", files=SOURCES, packages=["canary"], habitats={"canary": "canary:Canary"})
    secrets = folder / "secrets"
    secrets.mkdir()
    for name, text in (("by-file", BY_FILE), ("nested", NESTED), ("raw", RAW)):
        (secrets / name).write_text(text)
    equipped(site)
    site.environment.update(
        ONEML_SECRETS_DIR=str(secrets), CANARY_BY_VARIABLE=BY_VARIABLE, ONEML_SIGNING_KEY=SIGNING_KEY
    )
    return site


def forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """Give the forms of a secret, by name."""
    data = secret.encode()
    yield "plain", data
    for offset in range(3):
        # The characters between the first and the last, which depend on what stands around it.
        coded = base64.b64encode(b"\0" * offset + data)[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        yield f"base64 at {offset}", coded
        yield f"base64 for URLs at {offset}", coded.replace(b"+", b"-").replace(b"/", b"_")
    yield "hex", data.hex().encode()
    yield "HEX", data.hex().upper().encode()
    for name, quoted in (("URL", quote(secret, safe="")), ("path", quote(secret)), ("form", quote_plus(secret))):
        yield name, quoted.encode()
        yield f"{name}, lower case", _lowered(quoted).encode()
    yield "JSON", json.dumps(secret)[1:-1].encode()
    yield "JSON in UTF-8", json.dumps(secret, ensure_ascii=False)[1:-1].encode()
    yield "repr", repr(secret)[1:-1].encode()
    yield "ascii", ascii(secret)[1:-1].encode()
    yield "repr of bytes", repr(data)[2:-1].encode()


def found_in(data: bytes) -> list[str]:
    """Return which canaries are in some bytes, and in which form."""
    return [f"{name} ({form})" for name, secret in CANARIES.items() for form, text in forms(secret) if text in data]


def found_below(folder: Path, *, but: tuple[str, ...] = ()) -> list[str]:
    """Return the files below a folder that hold canaries, or are named after them; ``but`` names folders left out."""
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if relative.parts[0] in but:
            continue
        data = str(relative).encode() + (path.read_bytes() if path.is_file() else b"")
        found.extend(f"{relative}: {what}" for what in found_in(data))
    return found


def _lowered(quoted: str) -> str:
    first, *others = quoted.split("%")
    return first + "".join(f"%{other[:2].lower()}{other[2:]}" for other in others)
