"""JSON, for plain data, dataclasses, pydantic models, enums, dates, and whatever is made of these."""

from typing import BinaryIO

from oneml.habitats.data.json_decoding import decode_json
from oneml.habitats.data.json_encoding import encode_json
from oneml.habitats.data.json_values import is_json_kind
from oneml.habitats.errors import DeserializationError
from oneml.habitats.values.json_value import JsonValue


class JsonSerializer:
    """Canonical JSON, read in the form that the reader's annotation asks for."""

    name = "json"
    version = 1
    media_type = "application/json"

    def accepts(self, value: object) -> bool:
        """Tell whether the value itself is of a kind that JSON can hold."""
        return is_json_kind(value)

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``.

        Raises:
            UnwritableError: Something in it cannot be written.
        """
        stream.write(encode_json(value))

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read a value of ``form``.

        Raises:
            TypeError: It is not of ``form``.
            ValueError: The bytes are no JSON.
        """
        return decode_json(stream.read(), form)


def from_json_value(value: JsonValue, form: object) -> object:
    """Return a value that stands in a plan, in the form that a body wants.

    Raises:
        DeserializationError: It is not of ``form``.
    """
    try:
        return decode_json(encode_json(value), form)
    except (TypeError, ValueError) as error:
        raise DeserializationError(what="A value of the pipeline", serializer="json", reason=str(error)) from error
