"""The interface of a node body as JSON: what an image offers, and what the driver expects of it."""

from oneml.habitats.graph.signature import BodySignature
from oneml.habitats.habitats.canonical_values import digest_of_json, type_text
from oneml.habitats.values.json_value import JsonObject


def body_interface(signature: BodySignature) -> JsonObject:
    """Return the ports of a body with their types, each class in these by its import path.

    Raises:
        NotCanonicalError: An annotation is no type.
    """
    return {
        "inputs": {
            name: {"type": type_text(port.form), "required": port.required, "keyword_only": port.keyword_only}
            for name, port in signature.inputs.items()
        },
        "positional": list(signature.positional),
        "outputs": {name: type_text(form) for name, form in signature.outputs.items()},
        "result": type_text(signature.result),
    }


def interface_digest(signature: BodySignature) -> str:
    """Return the SHA-256 of the interface of a body.

    Raises:
        NotCanonicalError: An annotation is no type.
    """
    return digest_of_json(body_interface(signature))
