"""NumPy arrays as NPY files, without pickle.

An array is written in C order whatever its memory layout, so that equal arrays give equal bytes, and in pieces, so that
one that is mapped from a file is never in memory as a whole.
"""

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from oneml.habitats.data.forms import check_form, is_of_form
from oneml.habitats.data.json_values import is_real_scalar
from oneml.habitats.data.libraries import is_a, is_exactly, library
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError

_PIECE_BYTES = 1 << 22
_MAGIC = b"\x93NUMPY"
_HEADER_MULTIPLE = 64
_LATIN_1 = (2, 0)
_UTF_8 = (3, 0)


class NumpySerializer:
    """Arrays of every dtype of NumPy's own but object and string objects; scalars that are no JSON number.

    A scalar is written as an array of no dimension. Where the reader asks for no array, one of no dimension is read as
    a scalar.
    """

    name = "numpy"
    version = 1
    media_type = "application/x-npy"

    def accepts(self, value: object) -> bool:
        """Tell whether the value is a plain array (or one mapped from a file), or a scalar JSON has no number for."""
        if is_exactly(value, "numpy", "ndarray") or is_exactly(value, "numpy", "memmap"):
            return True
        return is_a(value, "numpy", "generic") and not is_real_scalar(value) and not isinstance(value, str)

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``.

        Raises:
            UnwritableError: It is no array, or one of a dtype whose bytes do not say all.
        """
        numpy = library("numpy", extra="numpy")
        if not isinstance(value, numpy.ndarray | numpy.generic):
            raise UnwritableError(problem=f"is a {type_name_of(value)} and no array")
        array: Any = numpy.asarray(value)
        if array.dtype.hasobject or array.dtype.type.__module__ != "numpy":
            raise UnwritableError(problem=f"is an array of dtype {array.dtype}, which an NPY file cannot hold")
        descr = numpy.lib.format.dtype_to_descr(numpy.lib.format.drop_metadata(array.dtype))
        stream.write(_header(descr, array.shape))
        for piece in _pieces(numpy, array):
            stream.write(piece)

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read an array or a scalar.

        Raises:
            TypeError: It is not of ``form``.
            ValueError: The bytes are no NPY file.
        """
        numpy = library("numpy", extra="numpy")
        try:
            array: Any = numpy.lib.format.read_array(stream, allow_pickle=False)
        except EOFError as error:
            raise ValueError(str(error)) from error
        if stream.read(1):
            message = "something follows the array"
            raise ValueError(message)
        asks_for_array = form is not object and form is not Any and is_of_form(array, form)
        return check_form(array if array.ndim or asks_for_array else array[()], form)


def _header(descr: object, shape: tuple[int, ...]) -> bytes:
    text = repr({"descr": descr, "fortran_order": False, "shape": shape})
    try:
        encoded, version = text.encode("latin-1"), _LATIN_1
    except UnicodeEncodeError:
        encoded, version = text.encode(), _UTF_8
    start = _MAGIC + bytes(version)
    length = len(encoded) + 1
    length += -(len(start) + 4 + length) % _HEADER_MULTIPLE
    return start + struct.pack("<I", length) + encoded.ljust(length - 1) + b"\n"


def _pieces(numpy: Any, array: Any) -> Iterator[bytes]:
    items = max(1, _PIECE_BYTES // max(1, array.itemsize))
    flags = ["external_loop", "buffered", "zerosize_ok"]
    for piece in numpy.nditer(array, flags=flags, order="C", buffersize=items):
        yield piece.tobytes("C")
