"""Pickle: anything, at the price that reading it runs whatever code the bytes ask for.

Used only where the settings of the driver allow it; that an artifact says it is pickled allows nothing.
"""

import pickle
from typing import BinaryIO

from oneml.habitats.data.forms import check_form

_PROTOCOL = 5


class PickleSerializer:
    """Whatever can be pickled. Equal values need not give equal bytes."""

    name = "pickle"
    version = 1
    media_type = "application/x-python-pickle"

    def accepts(self, value: object) -> bool:
        """Tell that the value is worth a try."""
        return True

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``.

        Raises:
            TypeError: It, or something inside it, cannot be pickled.
        """
        try:
            pickle.dump(value, stream, protocol=_PROTOCOL)
        except (pickle.PicklingError, AttributeError) as error:
            raise TypeError(str(error)) from error

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read a value.

        Raises:
            TypeError: It is not of ``form``.
            ValueError: The bytes are no pickle.
        """
        try:
            value: object = pickle.load(stream)  # noqa: S301  # allowed by the settings before anybody comes here
        except (pickle.UnpicklingError, EOFError) as error:
            raise ValueError(str(error)) from error
        return check_form(value, form)
