"""Testing pipelines: the types of the fixtures that the pytest plugin gives.

`docs/testing.md` tells how they are used.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from oneml.habitats.habitats.components import PipelineComponents
    from oneml.habitats.habitats.overrides import Override
    from oneml.habitats.ports.engine import Engine
    from oneml.habitats.sessions.selection import Paths
    from oneml.habitats.sessions.session import PipelineSession
    from oneml.habitats.settings.models import PipelineSessionSettings

__all__ = ["NewSession", "OpenComponents", "RunNode"]

C = TypeVar("C", bound="PipelineComponents")
T = TypeVar("T")


class OpenComponents(Protocol):
    """The fixture ``open_components``."""

    @overload
    def __call__(
        self,
        habitat: type[C],
        /,
        *overrides: "Override",
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
    ) -> C: ...
    @overload
    def __call__(
        self,
        habitat: str,
        /,
        *overrides: "Override",
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
    ) -> "PipelineComponents": ...
    def __call__(
        self,
        habitat: "type[PipelineComponents] | str",
        /,
        *overrides: "Override",
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
    ) -> "PipelineComponents":
        """Open the container of a habitat; it is closed when the test ends.

        Args:
            habitat: The class, or the name of an installed habitat.
            overrides: What stands for providers, see `replace`.
            settings: What the session sets.

        Raises:
            UsageError: Anything that is wrong with the habitat, the overrides or the settings.
        """
        ...


class NewSession(Protocol):
    """The fixture ``new_session``."""

    def __call__(
        self,
        habitat: "type[PipelineComponents] | str",
        /,
        *overrides: "Override",
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
        inputs: Mapping[str, object] | None = None,
        engine: "Engine | str | None" = None,
        start_at: "Paths" = (),
        stop_at: "Paths" = (),
        only: "Paths" = (),
        parent: str | None = None,
    ) -> "PipelineSession":
        """Create a session in a store of the test's own; it is stopped and closed when the test ends.

        Args:
            habitat: The class, or the name of an installed habitat.
            overrides: What stands for providers, see `replace`.
            settings: What the session sets.
            inputs: The inputs of the pipeline by name.
            engine: The engine, by name or as an object such as ``DaskEngine(cluster=...)``; stands above ``settings``.
            start_at: Have these nodes and everything below them alone; outputs above are those of the parent.
            stop_at: Have these nodes and everything above them alone.
            only: Have these nodes alone; outputs above are those of the parent.
            parent: The id of the parent: another session of this test, the newest one that fits unless given.

        Raises:
            UsageError: Anything that is wrong with what is given, or with the pipeline.
            RefusalError: What the parent has computed is not what would be computed here.
        """
        ...


class RunNode(Protocol):
    """The fixture ``run_node``."""

    @overload
    def __call__(
        self,
        habitat: "type[PipelineComponents] | str",
        path: str,
        /,
        *overrides: "Override",
        inputs: Mapping[str, object] | None = None,
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
    ) -> Any: ...
    @overload
    def __call__(
        self,
        habitat: "type[PipelineComponents] | str",
        path: str,
        /,
        *overrides: "Override",
        inputs: Mapping[str, object] | None = None,
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
        form: "TypeForm[T]",
    ) -> T: ...
    def __call__(
        self,
        habitat: "type[PipelineComponents] | str",
        path: str,
        /,
        *overrides: "Override",
        inputs: Mapping[str, object] | None = None,
        settings: "PipelineSessionSettings | Mapping[str, object] | None" = None,
        form: object = object,
    ) -> object:
        """Run the body of one node here, and nothing else of the pipeline; nothing of it is stored.

        Args:
            habitat: The class, or the name of an installed habitat.
            path: The node.
            overrides: What stands for providers, see `replace`.
            inputs: What the body takes, by name; plain values that the pipeline itself feeds need not be given, nor
                inputs with a default.
            settings: What the session sets.
            form: The type of the result, for type checkers; it is checked.

        Returns:
            What the body returned; where it yields items, all of them in a list. A `File` or `Folder` is a copy, which
            is there until the process ends.

        Raises:
            UnknownNodeError: The pipeline has no such node.
            InvalidInputsError: An input is unknown, missing or not of its type; lists all.
            WrongResultError: The body returned something else than its annotation promises.
            Exception: Whatever the body raises.
        """
        ...
