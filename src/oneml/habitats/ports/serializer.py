"""How a value becomes bytes and back."""

from typing import BinaryIO, Protocol


class Serializer(Protocol):
    """Writes values of some types, and reads them again.

    Implementations are stateless and import the library that they serve only inside `write` and `read`, or after
    `accepts` has seen that the library is loaded.
    """

    @property
    def name(self) -> str:
        """Its name in settings and in port records: ``json``."""
        ...

    @property
    def version(self) -> int:
        """Raised whenever what `write` writes changes."""
        ...

    @property
    def media_type(self) -> str:
        """Of the bytes that it writes."""
        ...

    def accepts(self, value: object) -> bool:
        """Tell whether `write` can write ``value``. Cheap, and never raises."""
        ...

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``: equal values give equal bytes wherever the type allows it.

        Raises:
            TypeError: The value, or something inside it, is of a type that cannot be written; says where and which.
        """
        ...

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read a value whose bytes have been held against their hash already.

        Args:
            stream: The bytes, seekable.
            form: The annotation that the reader wants the value in; ``object`` or ``Any`` where there is none.

        Raises:
            TypeError: The bytes hold something that is not of the form.
            ValueError: The bytes are not of this serializer.
        """
        ...
