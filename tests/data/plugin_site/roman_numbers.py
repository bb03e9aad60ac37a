"""What a distribution of somebody else adds: a type, and the serializer for it."""

from typing import BinaryIO

_DIGITS = {"M": 1000, "D": 500, "C": 100, "L": 50, "X": 10, "V": 5, "I": 1}
_MAGIC = b"roman "


class Roman:
    def __init__(self, digits: str) -> None:
        self.digits = digits

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Roman) and other.digits == self.digits

    def __hash__(self) -> int:
        return hash(self.digits)

    def __int__(self) -> int:
        return sum(_DIGITS[digit] for digit in self.digits)


class RomanSerializer:
    name = "roman"
    version = 1
    media_type = "text/x-roman"

    def accepts(self, value: object) -> bool:
        return isinstance(value, Roman)

    def write(self, value: object, stream: BinaryIO) -> None:
        if not isinstance(value, Roman):
            message = f"is a {type(value).__name__} and no Roman number"
            raise TypeError(message)
        stream.write(_MAGIC + value.digits.encode() + b".")

    def read(self, stream: BinaryIO, form: object) -> object:
        data = stream.read()
        digits = data[len(_MAGIC) : -1].decode()
        if not (data.startswith(_MAGIC) and data.endswith(b".") and set(digits) <= set(_DIGITS)):
            message = "it is no Roman number"
            raise ValueError(message)
        if form is not object and form is not Roman:
            message = f"it is a Roman, and {form} is wanted"
            raise TypeError(message)
        return Roman(digits)
