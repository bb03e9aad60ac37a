"""How wide a text is when it is drawn, without a font at hand.

Widths are those of DejaVu Sans, in hundredths of its size; the usual fonts of browsers are not wider.
"""

from unicodedata import combining, east_asian_width

_FIRST = 32
_WIDTHS = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34,
    34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79, 60, 79, 69, 63, 61, 73,
    68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63,
    63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,
)  # fmt: skip
_WIDE, _OTHER = 100, 66
_BOLD = 1.13


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line.

    Args:
        text: The line.
        size: Of the font; the width is in the same unit.
        bold: Whether the font is.
    """
    hundredths = sum(map(_width, text))
    return hundredths / 100 * size * (_BOLD if bold else 1.0)


def shortened(text: str, characters: int) -> str:
    """Return ``text`` in one line, cut in its middle where it is longer than so many characters."""
    line = " ".join(text.split())
    if len(line) <= characters:
        return line
    kept = characters - 1
    return f"{line[: kept - kept // 2]}\N{HORIZONTAL ELLIPSIS}{line[len(line) - kept // 2 :]}"


def fitting(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return as much of the start of a line as fits into a width; see `text_width`."""
    if text_width(text, size, bold=bold) <= width:
        return text
    kept = len(text) - 1
    while kept > 1 and text_width(f"{text[:kept]}\N{HORIZONTAL ELLIPSIS}", size, bold=bold) > width:
        kept -= 1
    return f"{text[:kept]}\N{HORIZONTAL ELLIPSIS}"


def _width(character: str) -> int:
    place = ord(character) - _FIRST
    if 0 <= place < len(_WIDTHS):
        return _WIDTHS[place]
    if combining(character):
        return 0
    return _WIDE if east_asian_width(character) in {"W", "F"} else _OTHER
