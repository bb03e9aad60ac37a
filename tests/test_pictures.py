"""The pictures of the documentation are those that would be drawn now: ``make pictures`` draws them."""

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


def test_pictures_are_as_small_as_what_they_show(drawn: dict[str, str]) -> None:
    for name, text in drawn.items():
        root = Xml.fromstring(text)  # noqa: S314  # it is our own
        assert len(text) < 40_000, name
        assert float(root.attrib["width"]) < 1_200, name
