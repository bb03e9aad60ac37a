"""Edges as values: ``source >> target`` and ``target << source``, added by ``connect``."""

from typing import NamedTuple

from oneml.habitats.graph.definitions import Definition, Draft
from oneml.habitats.values.place import Place
from oneml.habitats.values.suggestions import known_names


class InputRef:
    """An input of a node, to connect something to."""

    __slots__ = ("definition", "draft", "name")

    def __init__(self, draft: Draft, definition: Definition | None, name: str) -> None:
        self.draft = draft
        self.definition = definition
        self.name = name

    def __lshift__(self, source: object) -> "Edge":
        return Edge(source, self, self.draft.here(1))

    def __rrshift__(self, source: object) -> "Edge":
        return Edge(source, self, self.draft.here(1))


class Edge(NamedTuple):
    """A connection that does nothing until it is given to ``connect``.

    Attributes:
        source: A handle, an output, a gathering, an ``each`` or a plain value.
        target: The input that it feeds.
        place: Where it was written.
    """

    source: object
    target: InputRef
    place: Place


def no_input(definition: Definition, name: str) -> str:
    """Return the message for an input that a node, or an included pipeline, does not have."""
    known = () if definition.signature is None else definition.signature.inputs
    return f'{definition.noun.capitalize()} "{definition.path}" has no input "{name}". {known_names(name, known)}'


class NodeInputs:
    """The inputs of a node, or of an included pipeline, by name: ``node.inputs.text``."""

    __slots__ = ("_definition", "_draft")

    def __init__(self, draft: Draft, definition: Definition) -> None:
        self._draft = draft
        self._definition = definition

    def __getattr__(self, name: str) -> InputRef:
        if name.startswith("__"):
            raise AttributeError(name)
        signature = self._definition.signature
        if signature is None or name in signature.inputs:
            return InputRef(self._draft, self._definition, name)
        self._draft.report(no_input(self._definition, name), self._draft.here(1), self._definition.path)
        return InputRef(self._draft, None, name)

    def __dir__(self) -> list[str]:
        return [] if self._definition.signature is None else list(self._definition.signature.inputs)
