"""The outputs of a node by name, for edges: ``node.outputs.table >> other.inputs.table``."""

from oneml.habitats.graph.definitions import Definition, Draft
from oneml.habitats.graph.edges import Edge, InputRef
from oneml.habitats.graph.handles import Handle, broken_handle, no_output, port_handle, result_handle


class OutputRef:
    """An output of a node; goes wherever a handle goes."""

    __slots__ = ("draft", "handle")

    def __init__(self, draft: Draft, handle: Handle) -> None:
        self.draft = draft
        self.handle = handle

    def __rshift__(self, target: InputRef) -> Edge:
        return Edge(self.handle, target, self.draft.here(1))


class NodeOutputs:
    """All outputs of a node: an attribute is one of them; as the source of an edge it is the whole result."""

    __slots__ = ("_definition", "_draft")

    def __init__(self, draft: Draft, definition: Definition) -> None:
        self._draft = draft
        self._definition = definition

    def __getattr__(self, name: str) -> OutputRef:
        if name.startswith("__"):
            raise AttributeError(name)
        signature = self._definition.signature
        if signature is None or name in signature.outputs:
            return OutputRef(self._draft, port_handle(self._draft, self._definition, name))
        place = self._draft.here(1)
        self._draft.report(no_output(self._definition, name), place, self._definition.path)
        return OutputRef(self._draft, broken_handle(self._draft))

    def __rshift__(self, target: InputRef) -> Edge:
        handle = result_handle(self._draft, self._definition)
        return Edge(handle, target, self._draft.here(1))

    def __dir__(self) -> list[str]:
        return [] if self._definition.signature is None else list(self._definition.signature.ports)
