"""Models of scikit-learn in the format of skops, which runs no code when it is read.

Only types that skops trusts by itself are written and read: those of scikit-learn, NumPy and SciPy.
"""

from typing import Any, BinaryIO
from zipfile import BadZipFile

from oneml.habitats.data.forms import check_form
from oneml.habitats.data.libraries import is_a, library
from oneml.habitats.data.serializers.skops_archive import canonical_archive
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError


class SklearnSerializer:
    """Estimators, pipelines of them, fitted or not.

    Equal models give equal bytes, but for vectorizers of text, in which scikit-learn itself keeps a memory address.
    """

    name = "sklearn"
    version = 1
    media_type = "application/x-skops"

    def accepts(self, value: object) -> bool:
        """Tell whether the value is an estimator."""
        return is_a(value, "sklearn.base", "BaseEstimator")

    def write(self, value: object, stream: BinaryIO) -> None:
        """Write ``value``.

        Raises:
            UnwritableError: It is no estimator, or something in it is of a type that is not trusted.
        """
        if not self.accepts(value):
            raise UnwritableError(problem=f"is a {type_name_of(value)} and no estimator of scikit-learn")
        skops: Any = library("skops.io", extra="sklearn")
        unsupported = library("skops.io.exceptions", extra="sklearn").UnsupportedTypeException
        try:
            data = skops.dumps(value)
        except unsupported as error:
            raise UnwritableError(problem=f"holds something that skops cannot write: {error}") from error
        untrusted: list[str] = skops.get_untrusted_types(data=data)
        if untrusted:
            problem = f"holds types that skops does not trust: {', '.join(untrusted)}"
            raise UnwritableError(problem=problem)
        canonical_archive(data, stream)

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read an estimator.

        Raises:
            TypeError: It is not of ``form``.
            ValueError: The bytes are no skops file, or hold types that are not trusted.
        """
        skops: Any = library("skops.io", extra="sklearn")
        untrusted = library("skops.io.exceptions", extra="sklearn").UntrustedTypesFoundException
        try:
            model: object = skops.load(stream, trusted=[])
        except (BadZipFile, KeyError, untrusted) as error:
            raise ValueError(str(error)) from error
        return check_form(model, form)
