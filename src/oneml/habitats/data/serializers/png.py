"""Images as PNG: Pillow images, and drawings of matplotlib.

Pixels, palette, transparency, colour profile (ICC) and EXIF notes travel; other notes do not.
A figure cannot come back: whoever reads it gets a Pillow image of it, or the file itself where ``bytes`` are asked for.
"""

import os
from typing import Any, BinaryIO

from oneml.habitats.data.forms import check_form
from oneml.habitats.data.libraries import is_a, library
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError

_END = b"\0\0\0\0IEND\xaeB`\x82"
_LOSSLESS_MODES = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})


class PngSerializer:
    """Images without loss, figures at their own size and resolution."""

    name = "png"
    version = 1
    media_type = "image/png"

    def accepts(self, value: object) -> bool:
        """Tell whether the value is a Pillow image or a matplotlib figure."""
        return is_a(value, "PIL.Image", "Image") or is_a(value, "matplotlib.figure", "Figure")

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``.

        Raises:
            UnwritableError: It is no image, of a mode that PNG does not have, or of several frames.
        """
        drawn: Any = value
        if is_a(value, "matplotlib.figure", "Figure"):
            # The version of matplotlib would otherwise stand in the file.
            drawn.savefig(stream, format="png", metadata={"Software": None})
            return
        if not is_a(value, "PIL.Image", "Image"):
            raise UnwritableError(problem=f"is a {type_name_of(value)} and no image")
        if drawn.mode not in _LOSSLESS_MODES:
            problem = (
                f"is an image of mode {drawn.mode}, which PNG cannot hold without loss: "
                'convert it ("RGB"), or return its pixels (numpy.asarray)'
            )
            raise UnwritableError(problem=problem)
        frames: int = getattr(drawn, "n_frames", 1)
        if frames > 1:
            problem = (
                f"is an image of {frames} frames, of which PNG would keep one: return a copy of each (Iterator[Image])"
            )
            raise UnwritableError(problem=problem)
        notes = drawn.getexif()
        drawn.save(stream, format="PNG", **({"exif": notes} if notes else {}))

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read a ``PIL.Image.Image``, or ``bytes`` where that is the form.

        Raises:
            TypeError: Something else is wanted.
            ValueError: The bytes are no PNG file.
        """
        _check_end(stream)
        if form is bytes:
            return stream.read()
        images = library("PIL.Image", extra="images")
        try:
            image = images.open(stream, formats=["PNG"])
            image.load()
        except (OSError, SyntaxError) as error:
            raise ValueError(str(error)) from error
        return check_form(image, form)


def _check_end(stream: BinaryIO) -> None:
    """Let pass a file that ends as PNG files end: Pillow does without the last bytes.

    Raises:
        ValueError: It does not.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(-min(size, len(_END)), os.SEEK_END)
    if stream.read() != _END:
        message = "the PNG file has no end"
        raise ValueError(message)
    stream.seek(0)
