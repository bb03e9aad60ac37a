"""Bytes as they are."""

from typing import BinaryIO

from oneml.habitats.data.forms import check_form
from oneml.habitats.data.unwritable import UnwritableError


class BytesSerializer:
    """``bytes``, neither more nor less."""

    name = "bytes"
    version = 1
    media_type = "application/octet-stream"

    def accepts(self, value: object) -> bool:
        """Tell whether the value is ``bytes`` and of no subclass."""
        return type(value) is bytes

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``.

        Raises:
            UnwritableError: It is not ``bytes``.
        """
        if type(value) is not bytes:
            raise UnwritableError(problem="is not bytes")
        stream.write(value)

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read ``bytes``.

        Raises:
            TypeError: ``form`` is none of bytes.
        """
        return check_form(stream.read(), form)
