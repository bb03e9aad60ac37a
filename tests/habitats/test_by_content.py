"""What is computed once for each content of a file, and how often files are parsed for one session."""

import hashlib
import importlib
from pathlib import Path
from typing import Protocol

import pytest

from oneml.habitats.habitats import code_parsing
from oneml.habitats.habitats.by_content import ByContent
from oneml.habitats.habitats.code_outline import outline_of, rows_of
from oneml.habitats.habitats.code_recording import code_identity
from oneml.habitats.habitats.entry import HabitatEntry
from oneml.habitats.habitats.live_shape import live_shape


class Site(Protocol):
    folder: Path

    def write(self, files: dict[str, str]) -> None: ...


def raw_of(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()


def test_each_content_is_computed_once_also_where_nothing_comes_of_it() -> None:
    computed: list[bytes] = []
    known = ByContent(lambda _, source: computed.append(source), source_bytes_max=10)
    for source in (b"one", b"two", b"one"):
        assert known.of(raw_of(source), source) is None
    assert computed == [b"one", b"two"]


def test_all_is_forgotten_where_it_would_be_too_much_but_the_last() -> None:
    computed: list[bytes] = []
    known = ByContent(lambda _, source: computed.append(source), source_bytes_max=6)
    for source in (b"one", b"two", b"more", b"more", b"one", b"far too much", b"far too much", b"one"):
        known.of(raw_of(source), source)
    assert computed == [b"one", b"two", b"more", b"one", b"far too much", b"one"]
    known.forget()
    known.of(raw_of(b"one"), b"one")
    assert computed[-2:] == [b"one", b"one"]


def test_a_file_is_parsed_once_for_closure_live_shape_and_outline(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "RATE = 0.25  # a content of this test alone\nclass Box:\n    def run(self): ...\n"
    site.write({"pipe.py": source})
    parsed: list[object] = []
    parse = code_parsing.parsed_source
    monkeypatch.setattr(code_parsing, "parsed_source", lambda each: parsed.append(each) or parse(each))
    for _ in range(2):
        identity = code_identity(importlib.import_module("pipe").Box, habitat=HabitatEntry("pipe", "pipe:Box"))
        assert "pipe" in str(live_shape(identity)["modules"])
        assert "Box.run" in str(outline_of(identity, str))
    assert parsed == [source.encode()]
    code_parsing.parsed_file(raw_of(source.encode()), source.encode())
    assert len(parsed) == 2, "the outline leaves trees behind"


@pytest.mark.parametrize(
    ("source", "encoding"),
    [
        ("x = 'é'; y = call(1)\nz = 2\n", "utf-8-sig"),
        ("# coding: latin-1\nx = 'é'; y = call(1)\nz = 2\n", "latin-1"),
        ("x = '''\r\né'''; y = call(1)\r\nz = 2\r\n", "utf-8"),
        ("x = 'é'\ry = call(1)\rz = 2", "utf-8"),
    ],
)
def test_texts_of_an_outline_do_not_depend_on_how_a_file_is_encoded(source: str, encoding: str) -> None:
    data = source.encode(encoding)
    rows = rows_of(raw_of(data), data)
    assert [row.text for row in rows][1:] == ["y = call(1)", "z = 2"]
    assert "é" in rows[0].text
