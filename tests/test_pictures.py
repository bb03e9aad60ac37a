"""The pictures of the documentation are those that would be drawn now: ``make pictures`` draws them."""

import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

import pictures

GUIDE = Path(__file__).parents[1] / "docs" / "drawing.md"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp("home")))
        return dict(pictures.pictures(tmp_path_factory.mktemp("pictures")))


def test_every_picture_is_current_and_shown_in_the_guide(drawn: dict[str, str]) -> None:
    committed = {file.stem: file.read_text() for file in pictures.PICTURES.glob("*.svg")}
    assert sorted(committed) == sorted(drawn)
    for name, text in drawn.items():
        assert committed[name] == text, f"{name}.svg is not current: run `make pictures`"
        assert f"](pictures/{name}.svg)" in GUIDE.read_text()


def test_pictures_on_one_page_leave_each_other_s_colours_alone(drawn: dict[str, str]) -> None:
    found: dict[tuple[str, bool], set[str]] = {}
    for text in drawn.values():
        light, _, dark = text.partition("@media")
        for is_dark, part in ((False, light), (True, dark)):
            for name, style in re.findall(r"^\.oneml-graph \.(\w+)\{(.+)\}$", part, re.MULTILINE):
                found.setdefault((name, is_dark), set()).add(style)
    assert len(found) > 30
    assert {key: styles for key, styles in found.items() if len(styles) > 1} == {}


def test_pictures_are_as_small_as_what_they_show(drawn: dict[str, str]) -> None:
    for name, text in drawn.items():
        root = Xml.fromstring(text)  # noqa: S314  # it is our own
        assert len(text) < 40_000, name
        assert float(root.attrib["width"]) < 1_200, name
