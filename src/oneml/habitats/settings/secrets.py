"""Secrets taken out of texts: logs, tracebacks, messages."""

import base64
import json
import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = "**********"
SECRET_MIN_CHARACTERS = 4
"""Shorter secrets are not looked for: masking them would shred every text and hide nothing."""

_LINE_MIN_CHARACTERS = 8
_BASE64_MIN_CHARACTERS = 6


def mask_secrets(text: str, secrets: Collection[str]) -> str:
    """Return ``text`` with every secret replaced by ``**********``.

    A secret is found plain, escaped for JSON, Python and URLs, in hexadecimal and in base64 (also in the middle of
    something larger); of one with several lines, each line that is long enough. The longest match wins. Secrets of
    fewer than four characters stay.
    """
    if not secrets:
        return text
    pattern = _pattern(frozenset(secrets))
    return pattern.sub(MASK, text) if pattern is not None else text


@lru_cache(maxsize=16)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    forms = {form for secret in secrets if len(secret) >= SECRET_MIN_CHARACTERS for form in _forms(secret)}
    if not forms:
        return None
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form))))


def _forms(secret: str) -> Iterator[str]:
    yield from _written(secret)
    lines = secret.splitlines()
    if len(lines) > 1:
        for line in lines:
            if len(line.strip()) >= _LINE_MIN_CHARACTERS:
                yield from _written(line.strip())


def _written(text: str) -> Iterator[str]:
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield ascii(text)[1:-1]
    for quoted in (quote(text), quote(text, safe=""), quote_plus(text)):
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)
    data = text.encode()
    yield data.hex()
    yield data.hex().upper()
    yield from _in_base64(data)


def _in_base64(data: bytes) -> Iterator[str]:
    """Give what ``data`` becomes alone, and inside something larger, where it begins at byte 0, 1 or 2 of three."""
    alone = base64.b64encode(data).decode().rstrip("=")
    yield alone
    yield _for_urls(alone)
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + data).decode()
        begin = -(-offset * 8 // 6)
        end = (offset + len(data)) * 8 // 6
        core = encoded[begin:end]
        if len(core) >= _BASE64_MIN_CHARACTERS:
            yield core
            yield _for_urls(core)


def _for_urls(encoded: str) -> str:
    return encoded.replace("+", "-").replace("/", "_")
