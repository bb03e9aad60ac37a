"""Colours, light and dark: people who see few colours tell them apart, and words stand beside them.

The hues are those of Okabe and Ito (Color Universal Design, 2008), lighter where text stands on them.
"""

from typing import NamedTuple

from oneml.habitats.graph.drawing.diagram import Tone


class Colours(NamedTuple):
    """Colours of one thing: on a light page, then on a dark one.

    Attributes:
        fill: What it is filled with.
        stroke: Its outline.
    """

    fill: tuple[str, str]
    stroke: tuple[str, str]


_GREY = Colours(("#f3f4f6", "#262b31"), ("#838b95", "#8b949e"))
_BLUE = Colours(("#e0eefa", "#11293d"), ("#0072b2", "#56b4e9"))
_GREEN = Colours(("#dff4ec", "#0c2e24"), ("#00805c", "#2fc59a"))
_VERMILION = Colours(("#fde6d8", "#3d1d0c"), ("#c44e00", "#f58a4b"))
_PURPLE = Colours(("#f8e6f0", "#371b2c"), ("#a6568a", "#e0a0c8"))
_ORANGE = Colours(("#fdf0d0", "#382a08"), ("#a66f00", "#e69f00"))

BOXES = {
    Tone.PLAIN: Colours(("#e9f0f6", "#1d2a36"), ("#53718c", "#86a6c2")),
    Tone.EDGE: Colours(("#ffffff", "#161b22"), ("#57606a", "#9aa4af")),
    Tone.PENDING: _GREY,
    Tone.RUNNING: _BLUE,
    Tone.SUCCEEDED: _GREEN,
    Tone.FAILED: _VERMILION,
    Tone.REFUSED: _PURPLE,
    Tone.SKIPPED: _GREY,
    Tone.CANCELLED: _ORANGE,
    Tone.PROCESS_SCOPE: _BLUE,
    Tone.SESSION_SCOPE: _GREEN,
    Tone.NODE_SCOPE: _ORANGE,
    Tone.EACH_USE: _GREY,
}
DASHED = frozenset({Tone.PENDING, Tone.SKIPPED})

PAGE = ("#ffffff", "#0d1117")
INK = ("#1f2328", "#e6edf3")
MUTED = ("#57606a", "#9da7b1")
FRAME = Colours(("#f7f9fb", "#12171e"), ("#c9d1d9", "#39424d"))
LINK = ("#7b8590", "#8b949e")
OVERRIDE = ("#c44e00", "#f58a4b")

MEANINGS = {
    Tone.PROCESS_SCOPE: "one per process",
    Tone.SESSION_SCOPE: "one per session",
    Tone.NODE_SCOPE: "one per node",
    Tone.EACH_USE: "new at each use",
}
"""What a legend says of tones whose name is not enough."""
