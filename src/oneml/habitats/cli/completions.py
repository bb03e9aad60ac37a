"""What a shell offers where a habitat, an engine, a session or a node of one is expected.

Habitats and engines are listed without importing any, sessions from the index; whatever fails offers nothing, since
there is no good place for an error in a line that somebody is writing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

SESSIONS_MAX = 50
"""The newest sessions; ids sort by time, so that older ones are rarely looked for by hand."""


def complete_habitat(context: "click.Context", parameter: "click.Parameter", begun: str) -> "list[CompletionItem]":
    """Offer the habitats that are installed."""
    del context, parameter
    from click.shell_completion import CompletionItem  # noqa: PLC0415  # only on a tab

    from oneml.habitats.habitats.registry import HabitatRegistry  # noqa: PLC0415  # the same

    entries = HabitatRegistry().entries()
    return [CompletionItem(entry.name, help=entry.origin) for entry in entries if entry.name.startswith(begun)]


def complete_engine(context: "click.Context", parameter: "click.Parameter", begun: str) -> "list[CompletionItem]":
    """Offer the engines that are installed."""
    del context, parameter
    from click.shell_completion import CompletionItem  # noqa: PLC0415  # only on a tab

    from oneml.habitats.engines.registry import EngineRegistry  # noqa: PLC0415  # the same

    known = EngineRegistry().known().items()
    return [CompletionItem(name, help=origin) for name, origin in known if name.startswith(begun)]


def complete_session(context: "click.Context", parameter: "click.Parameter", begun: str) -> "list[CompletionItem]":
    """Offer the newest sessions of the store."""
    del context, parameter
    from click.shell_completion import CompletionItem  # noqa: PLC0415  # only on a tab

    from oneml.habitats.errors import OnemlError  # noqa: PLC0415  # the same
    from oneml.habitats.sessions.client import PipelineServiceClient  # noqa: PLC0415  # the same

    try:
        rows = PipelineServiceClient().list_sessions()
    except (OnemlError, OSError):
        return []
    found = (row for row in rows if row.session_id.startswith(begun))
    return [
        CompletionItem(row.session_id, help=f"{row.habitat} {row.state}")
        for row, _ in zip(found, range(SESSIONS_MAX), strict=False)
    ]


def complete_node(context: "click.Context", parameter: "click.Parameter", begun: str) -> "list[CompletionItem]":
    """Offer the nodes of the session that the line names."""
    del parameter
    from click.shell_completion import CompletionItem  # noqa: PLC0415  # only on a tab

    session = context.params.get("session") or context.params.get("session_id")
    return [CompletionItem(path) for path in _nodes(session) if path.startswith(begun)]


def _nodes(session: object) -> Sequence[str]:
    from oneml.habitats.errors import OnemlError  # noqa: PLC0415  # only on a tab
    from oneml.habitats.sessions.client import PipelineServiceClient  # noqa: PLC0415  # the same

    if not isinstance(session, str):
        return ()
    try:
        with PipelineServiceClient().load_session(session) as found:
            return tuple(found.plan.nodes)
    except (OnemlError, OSError):
        return ()
