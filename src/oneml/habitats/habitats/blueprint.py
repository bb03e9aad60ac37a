"""A container compiled once for each class, and for each set of what sessions replace in it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from oneml.habitats.errors import InvalidComponentsError, OnemlError, UnknownProviderError
from oneml.habitats.habitats.builders import compile_builders, kept_builder
from oneml.habitats.habitats.calls import call_with
from oneml.habitats.habitats.graph_checks import cycle_problems, fit_of_node, provider_problems
from oneml.habitats.habitats.graph_order import components_of
from oneml.habitats.habitats.graph_reach import reach_of, settings_read_by, strict_needs
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.habitats.provider_graph import Overriding, ReplacedBy, declared_providers, overriding_of, read_graph
from oneml.habitats.habitats.provider_node import ProviderNode
from oneml.habitats.habitats.providers import AnyProvider
from oneml.habitats.habitats.scopes import Builder, Scope
from oneml.habitats.habitats.settings_views import SettingView
from oneml.habitats.settings.models import PipelineSettings
from oneml.habitats.values.problem import Problem

if TYPE_CHECKING:
    from oneml.habitats.habitats.components import PipelineComponents
    from oneml.habitats.habitats.graph_description import GraphDescription


class Blueprint:
    """How everything in a container is built.

    Args:
        container: The class.
        model: Its settings model.
        declared: Overrides that stand since the class was declared, and belong to it.
        replaced: What a session was opened with in place of providers.

    Attributes:
        container: The class.
        model: Its settings model.
        graph: Its providers, and everything that they refer to.
        problems: Everything that is wrong with the container.
        attributes: Attribute and index of each of its own providers.
        descriptions: What `describe_graph` has worked out.
    """

    def __init__(
        self,
        container: "type[PipelineComponents]",
        model: type[PipelineSettings],
        declared: Overriding,
        replaced: Mapping[AnyProvider, ReplacedBy],
    ) -> None:
        self.container = container
        self.model = model
        self.graph = read_graph(container, declared=declared, replaced=replaced)
        self.attributes = tuple((name, self.graph.names[name]) for name in declared_providers(container))
        needs = strict_needs(self.graph)
        groups = components_of(needs)
        order = [index for group in groups for index in group]
        self._reach = reach_of(self.graph, order)
        fits = [fit_of_node(node) for node in self.graph.nodes]
        cycles = cycle_problems(container, self.graph, groups, needs)
        wrong = provider_problems(container, self.graph, self._reach, fits, model)
        self.problems: Sequence[Problem] = (*cycles, *wrong)
        self._fits, self._order = fits, order
        self._watched = [provider for provider in self.graph.indexes if not isinstance(provider, SettingView)]
        self._declared = [declared.get(provider) for provider in self._watched]
        self.descriptions: dict[bytes, GraphDescription] = {}

    @cached_property
    def builders(self) -> Sequence[Builder]:
        """The builder of each provider, by index; none where there are problems. Compiled when something is built."""
        return [] if self.problems else compile_builders(self.graph, self._reach, self._fits, self._order)

    def checked(self) -> "Blueprint":
        """Return this.

        Raises:
            InvalidComponentsError: There are problems.
        """
        if self.problems:
            raise InvalidComponentsError(container=self.container.__name__, problems=self.problems)
        return self

    def type_problems(self) -> Sequence[Problem]:
        """Return the arguments whose types do not fit what they are given to: a check that takes its time."""
        from oneml.habitats.habitats.argument_types import type_problems  # noqa: PLC0415  # only a check needs it

        return tuple(type_problems(self.container, self.graph, self.model))

    def overridden_since(self) -> Sequence[str]:
        """Return the providers that the library's own override stands on, made after the class was declared."""
        found = list(map(overriding_of, self._watched))
        if found == self._declared:
            return ()
        indexes = self.graph.indexes
        changed = [
            self.graph.nodes[indexes[provider]].name
            for provider, now, then in zip(self._watched, found, self._declared, strict=True)
            if now is not then
        ]
        return sorted(changed)

    def index_of(self, provider: str) -> int:
        """Return the index of a provider by its dotted name, or by what one without a name is called.

        Raises:
            UnknownProviderError: There is none of that name.
        """
        index = self.graph.names.get(provider)
        if index is None:
            index = next((node.number for node in self.graph.nodes if node.name == provider), None)
        if index is None:
            raise UnknownProviderError(container=self.container.__name__, name=provider, known=self.graph.names)
        return index

    def node(self, provider: str) -> ProviderNode:
        """Return what is known of a provider.

        Raises:
            UnknownProviderError: There is none of that name.
        """
        return self.graph.nodes[self.index_of(provider)]

    def settings_reads(self, provider: str) -> frozenset[SettingRead]:
        """Return the settings that anything reads that a provider reaches.

        Raises:
            UnknownProviderError: There is none of that name.
        """
        return settings_read_by(self.graph, self.index_of(provider))

    def build(self, scope: Scope, index: int) -> Any:
        """Return what a provider gives in a scope.

        Raises:
            OnemlError: Nothing can be built there now, or this cannot.
        """
        if scope.barred is not None:
            raise scope.refusal(self.graph.nodes[index].name)
        try:
            return self.builders[index](scope)
        except Exception as error:
            self._note(error, index)
            raise

    def build_with(self, scope: Scope, index: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return what a provider gives in a scope when it is called with arguments; see `call_with`.

        Raises:
            OnemlError: Nothing can be built there now, or this cannot.
        """
        if scope.barred is not None:
            raise scope.refusal(self.graph.nodes[index].name)
        try:
            return call_with(scope, index, args, kwargs)
        except Exception as error:
            self._note(error, index)
            raise

    def _note(self, error: Exception, index: int) -> None:
        if not isinstance(error, OnemlError) and not hasattr(error, "__notes__"):
            error.add_note(f'While building "{self.graph.nodes[index].name}" of {self.container.__name__}.')

    def kept(self, node: ProviderNode, make: Builder) -> Builder:
        """Return a builder that keeps what ``make`` makes as long as what the provider gives is kept."""
        return kept_builder(node, make, self._reach)

    def opened(self, scope: Scope) -> "PipelineComponents":
        """Return an instance of the class whose providers build in ``scope``."""
        return self.container.in_scope(scope)
