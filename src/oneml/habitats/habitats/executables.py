"""`PipelineExecutables`: which provider gives the body of which node, and what it tells about its body unbuilt."""

from collections.abc import Collection
from typing import Protocol

from dependency_injector.providers import Provider

from oneml.habitats.errors import InvalidExecutableError, InvalidInclusionError, UnknownNodeError
from oneml.habitats.graph.literals import object_text
from oneml.habitats.habitats.blueprint import Blueprint
from oneml.habitats.habitats.bodies import NoBodyError, body_of
from oneml.habitats.habitats.bound import BoundProvider, node_of, scope_of
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.ports.executables import Executable, IncludedHabitat
from oneml.habitats.values.include_paths import provider_key, split_provider_key
from oneml.habitats.values.node_path import ROOT, NodePath
from oneml.habitats.values.place import Place


class Includer(Protocol):
    """Opens the habitats that a pipeline includes."""

    def include(
        self, outer: NodePath, path: NodePath, habitat: object, settings: object, place: Place
    ) -> IncludedHabitat | None:
        """Open a habitat for a namespace; see `Executables.include`.

        Args:
            outer: The include path of the pipeline that includes it; the root for the outermost one.
            path: The namespace.
            habitat: Its container class, or its name.
            settings: What the author of the outer pipeline sets for it.
            place: Where that is written.
        """
        ...


class PipelineExecutables:
    """Node to provider, for one opened container; bodies are built only where nodes run.

    Args:
        components: The opened container.
        includer: Opens what the pipeline includes; None where nothing can be included.
        path: The include path of the container; the root for that of the session.
    """

    def __init__(self, components: PipelineComponents, includer: Includer | None = None, path: NodePath = ROOT) -> None:
        self._includer = includer
        self._path = path
        self._blueprint = components.opened_blueprint
        self._providers: dict[NodePath, str] = {}
        self._known: dict[str, Executable] = {}

    def bind(self, path: NodePath, provider: object) -> Executable:
        """Let ``provider`` give the body of the node at ``path``.

        Raises:
            InvalidExecutableError: It is no provider of the opened container, or gives nothing that can be called.
        """
        if not isinstance(provider, BoundProvider):
            raise InvalidExecutableError(node=path, provider=object_text(provider), reason=self._way_out(provider))
        if scope_of(provider).blueprint is not self._blueprint:
            reason = "it belongs to another opened container. Include that pipeline, or declare the provider here."
            raise InvalidExecutableError(node=path, provider=repr(provider), reason=reason)
        name = node_of(provider).name
        executable = self._known.get(name)
        if executable is None:
            found = _executable(self._blueprint, name, path)
            executable = self._known[name] = found._replace(provider=provider_key(self._path, name))
        self._providers[path] = name
        return executable

    def _way_out(self, given: object) -> str:
        declared = [
            name for name, index in self._blueprint.attributes if self._blueprint.graph.nodes[index].provider is given
        ]
        if declared:
            return f"it is the declaration, which the class has. Pass that of the opened container: self.{declared[0]}."
        if callable(given) and not isinstance(given, Provider):
            if getattr(given, "__name__", "") == "<lambda>":
                return "write it as a class or function at the top of a module, and pass a provider of that, self.name."
            name = getattr(given, "__name__", "it")
            return f"declare a provider of it in the container, body = providers.Factory({name}), and pass self.body."
        return "pass a provider of the opened container, self.name, without ()."

    def include(self, path: NodePath, habitat: object, settings: object, place: Place) -> IncludedHabitat | None:
        """Open a habitat that the pipeline includes; see `Executables.include`.

        Raises:
            InvalidInclusionError: It cannot be included.
        """
        if self._includer is None:
            reason = "these executables were made without an includer, which opens included habitats."
            raise InvalidInclusionError(path=path, reason=reason)
        return self._includer.include(self._path, path, habitat, settings, place)

    def paths(self) -> Collection[NodePath]:
        """Return the nodes that have a provider."""
        return self._providers.keys()

    def provider_of(self, path: NodePath) -> str:
        """Return the dotted name of the provider that gives the body of a node.

        Raises:
            UnknownNodeError: No provider was given for it.
        """
        name = self._providers.get(path)
        if name is None:
            raise UnknownNodeError(node=path, known=list(self._providers))
        return name


def executable_of(components: PipelineComponents, provider: str) -> Executable:
    """Return what a provider tells about the body that it gives, where no DAG was defined.

    Args:
        components: The opened container of the session.
        provider: Its key: the dotted name, in an included habitat behind its path.

    Raises:
        UnknownProviderError: There is none of that name.
        InvalidExecutableError: It gives nothing that can be called.
    """
    include, name = split_provider_key(provider)
    return _executable(components.opened_part(include).opened_blueprint, name, None)._replace(provider=provider)


def _executable(blueprint: Blueprint, name: str, path: NodePath | None) -> Executable:
    try:
        call, bound = body_of(blueprint.graph, blueprint.index_of(name))
    except NoBodyError as error:
        node = f"of {name}" if path is None else path
        raise InvalidExecutableError(node=node, provider=f'"{name}"', reason=str(error)) from error
    return Executable(name, call, bound)
