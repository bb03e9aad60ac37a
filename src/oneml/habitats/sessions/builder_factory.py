"""How the DAG of a session comes about; replaceable by whoever makes a client."""

from typing import Protocol

from oneml.habitats.errors import DefinitionFailedError, InvalidPipelineError, OnemlError, UsageError
from oneml.habitats.graph.builder import PipelineBuilder
from oneml.habitats.habitats.components import PipelineComponents, define_pipeline
from oneml.habitats.habitats.executables import PipelineExecutables
from oneml.habitats.habitats.raised import described_error, raised_at
from oneml.habitats.values.problem import Problem


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
    """Let the container's own `PipelineComponents.define` define the DAG: the usual factory.

    Raises:
        InvalidPipelineError: The definition was broken off after problems were met: these, and what broke it off.
    """
    builder = PipelineBuilder(executables, name=habitat)
    try:
        define_pipeline(components, builder)
    except (Exception, SystemExit) as error:
        if not builder.problems or (isinstance(error, OnemlError) and not isinstance(error, UsageError)):
            raise
        last = error if isinstance(error, UsageError) else _failed(habitat, error)
        problems = [*builder.problems, Problem(raised_at(error), str(last))]
        raise InvalidPipelineError(habitat=habitat, problems=problems) from error
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
        raise _failed(habitat, error) from error


def _failed(habitat: str, error: BaseException) -> DefinitionFailedError:
    return DefinitionFailedError(habitat=habitat, reason=described_error(error))
