"""Models of scikit-learn in the format of skops, which runs no code when it is read.

Only types that skops trusts by itself are written and read, those of scikit-learn, NumPy and SciPy, and those that
`sklearn_types` names. What is in a model is checked before it is written, and before anybody gets it who reads it.
"""

from typing import Any, BinaryIO
from zipfile import BadZipFile

from oneml.habitats.data.forms import check_form
from oneml.habitats.data.libraries import is_a, library
from oneml.habitats.data.serializers.sklearn_check import flaw_of
from oneml.habitats.data.serializers.sklearn_types import TRUSTED_TYPES, refusal_of, untrusted
from oneml.habitats.data.serializers.skops_archive import canonical_archive
from oneml.habitats.data.type_names import type_name_of
from oneml.habitats.data.unwritable import UnwritableError


class SklearnSerializer:
    """Estimators, pipelines of them, fitted or not.

    Equal models give equal bytes, but for vectorizers of text and searches, in which scikit-learn itself keeps a memory
    address and times.
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
            UnwritableError: It is no estimator, or holds types that are not trusted, or is not safe.
        """
        if not self.accepts(value):
            raise UnwritableError(problem=f"is a {type_name_of(value)} and no estimator of scikit-learn")
        skops: Any = library("skops.io", extra="sklearn")
        unsupported = library("skops.io.exceptions", extra="sklearn").UnsupportedTypeException
        try:
            data = skops.dumps(value)
        except unsupported as error:
            raise UnwritableError(problem=f"holds something that skops cannot write: {error}") from error
        names = untrusted(skops.get_untrusted_types(data=data))
        if problem := refusal_of(names) if names else flaw_of(value):
            raise UnwritableError(problem=problem)
        canonical_archive(data, stream)

    def read(self, stream: BinaryIO, form: object) -> object:
        """Read an estimator.

        Raises:
            TypeError: It is not of ``form``.
            ValueError: The bytes are no skops file, or hold types that are not trusted, or a model that is not safe.
        """
        skops: Any = library("skops.io", extra="sklearn")
        refused = library("skops.io.exceptions", extra="sklearn").UntrustedTypesFoundException
        try:
            model: object = skops.load(stream, trusted=list(TRUSTED_TYPES))
        except refused as error:
            raise ValueError(str(error)) from error
        except (BadZipFile, AttributeError, LookupError, OverflowError) as error:
            msg = f"these bytes are no model: {type(error).__name__}: {error}"
            raise ValueError(msg) from error
        if flaw := flaw_of(model):
            msg = f"the model {flaw}"
            raise ValueError(msg)
        return check_form(model, form)
