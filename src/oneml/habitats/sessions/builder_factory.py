"""How the DAG of a session comes about; replaceable by whoever makes a client."""

from typing import Protocol

from oneml.habitats.errors import DefinitionFailedError, OnemlError
from oneml.habitats.graph.builder import PipelineBuilder
from oneml.habitats.habitats.components import PipelineComponents, define_pipeline
from oneml.habitats.habitats.executables import PipelineExecutables
from oneml.habitats.habitats.raised import described_error


class PipelineBuilderFactory(Protocol):
    """Gives the builder that holds the DAG of one session."""

    def __call__(
        self, components: PipelineComponents, executables: PipelineExecutables, *, habitat: str
    ) -> PipelineBuilder:
        """Return a builder in which everything is defined; `PipelineBuilder.build` is called on it afterwards.

        Args:
            components: The opened container of the session.
            executables: Takes the provider of each node; the builder must be made with it.
            habitat: Name of the habitat, for messages.
        """
        ...


def define_components(
    components: PipelineComponents, executables: PipelineExecutables, *, habitat: str
) -> PipelineBuilder:
    """Let the container's own `PipelineComponents.define` define the DAG: the usual factory."""
    builder = PipelineBuilder(executables, name=habitat)
    define_pipeline(components, builder)
    return builder


def defined(
    habitat: str,
    builder_factory: PipelineBuilderFactory,
    components: PipelineComponents,
    executables: PipelineExecutables,
) -> PipelineBuilder:
    """Let the author define the DAG.

    Raises:
        DefinitionFailedError: The author's code raised an error of its own, ``sys.exit`` included.
        UsageError: It raised one of ours.
    """
    try:
        return builder_factory(components, executables, habitat=habitat)
    except OnemlError:
        raise
    except (Exception, SystemExit) as error:
        raise DefinitionFailedError(habitat=habitat, reason=described_error(error)) from error
