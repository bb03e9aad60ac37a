"""PNG: the same picture as SVG, with fonts that come along."""

import sys
from io import BytesIO

import pytest
from PIL import Image

from oneml.habitats.errors import MissingLibraryError
from oneml.habitats.graph.drawing import palette, png
from oneml.habitats.graph.drawing.diagram import Box, Diagram, Link, LinkKind, Tone
from oneml.habitats.graph.drawing.scene import scene_of

BOXES = (
    Box(name="a", title="load", tone=Tone.FAILED, lines=("failed",)),
    Box(name="b", title="fit", tone=Tone.SKIPPED),
)
DIAGRAM = Diagram(subject="session", title="a", boxes=BOXES, links=(Link(source="a", target="b", kind=LinkKind.ORDER),))


def image() -> Image.Image:
    return Image.open(BytesIO(png.png_bytes(scene_of(DIAGRAM))))


def test_a_png_is_twice_as_large_as_the_scene_and_has_its_colours() -> None:
    scene, found = scene_of(DIAGRAM), image()
    assert found.size == (round(scene.width * 2), round(scene.height * 2))
    colours = {colour for _, colour in found.convert("RGB").getcolors(1 << 20) or []}
    for hexadecimal in (palette.BOXES[Tone.FAILED].fill[0], palette.BOXES[Tone.FAILED].stroke[0], palette.INK[0]):
        assert tuple(bytes.fromhex(hexadecimal[1:])) in colours


def test_a_huge_picture_is_drawn_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "PIXELS_MAX", 10_000)
    width, height = image().size
    assert 9_000 < width * height < 11_000


def test_without_matplotlib_pillow_has_a_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "find_spec", lambda _: None)
    png._font.cache_clear()
    try:
        assert image().size[0] > 0
        assert png._font(22.0, bold=True).getbbox("fit")[2] > 10
    finally:
        png._font.cache_clear()


def test_without_pillow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingLibraryError, match=r"pillow .* pip install 'oneml-habitats\[images\]'"):
        png.png_bytes(scene_of(DIAGRAM))
