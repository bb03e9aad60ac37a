"""Canonical forms of what numpy has: imported only for values of numpy, which is loaded then."""

import hashlib
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from oneml.habitats.habitats.canonical_scalars import bytes_form
from oneml.habitats.habitats.import_paths import NotCanonicalError
from oneml.habitats.values.json_value import JsonValue

if TYPE_CHECKING:
    from oneml.habitats.habitats.canonical_values import Canonicaliser

_PADDED = "gG"
"""Codes of extended floats: their bytes hold some that were never written."""


def array_form(reader: "Canonicaliser", value: Any) -> JsonValue:
    """Return the form of an array, a scalar, a type or a function of numpy.

    Raises:
        NotCanonicalError: It has none.
    """
    kind = type(cast("object", value))
    if issubclass(kind, np.dtype):
        return {"dtype": _type_text(value)}
    if issubclass(kind, np.generic):
        return {"scalar": _type_text(value.dtype), "bytes": bytes_form(value.tobytes())}
    if kind is np.ndarray:
        digest = hashlib.sha256(value.tobytes()).hexdigest()
        return {"array": _type_text(value.dtype), "shape": list(value.shape), "sha256": digest}
    if issubclass(kind, np.ufunc) and getattr(np, name := str(value.__name__), None) is value:
        reader.note("numpy")
        return {"import": f"numpy:{name}"}
    if hasattr(value, "__qualname__"):  # its functions are of a kind of its own
        return reader.import_of(value)
    raise NotCanonicalError(
        what=f"a live {kind.__qualname__}",
        advice=f"Give it as a provider: providers.Singleton({kind.__qualname__}, ...).",
    )


def _type_text(form: "np.dtype[Any]") -> str:
    if form.hasobject or form.fields is not None or form.subdtype is not None or form.char in _PADDED:
        raise NotCanonicalError(
            what=f"an array of {form.name}",
            advice="Give numbers or text of a plain type, or a provider that makes them.",
        )
    return form.str
