"""Text as UTF-8."""

from typing import BinaryIO

from oneml.habitats.data.forms import check_form
from oneml.habitats.data.unwritable import UnwritableError


class TextSerializer:
    """A ``str`` as it is."""

    name = "text"
    version = 1
    media_type = "text/plain; charset=utf-8"

    def accepts(self, value: object) -> bool:
        """Tell whether the value is a ``str`` and of no subclass."""
        return type(value) is str

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``.

        Raises:
            UnwritableError: It is no ``str``, or holds what UTF-8 cannot: half of a surrogate pair.
        """
        if type(value) is not str:
            raise UnwritableError(problem="is no str")
        try:
            stream.write(value.encode())
        except UnicodeEncodeError as error:
            raise UnwritableError(place=f"[{error.start}]", problem=f"cannot be UTF-8: {error.reason}") from error

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read a ``str``.

        Raises:
            TypeError: ``form`` is none of text.
            ValueError: The bytes are no UTF-8.
        """
        return check_form(stream.read().decode(), form)
