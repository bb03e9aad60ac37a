"""What a session would be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oneml.habitats.values.lineage import Parent, Selection
from oneml.habitats.values.plan import Plan

if TYPE_CHECKING:
    from oneml.habitats.sessions.identification import SessionIdentity
    from oneml.habitats.sessions.origins import Origins
    from oneml.habitats.settings.effective import EffectiveSettings
    from oneml.habitats.settings.models import PipelineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPreview:
    """What a session would be.

    Attributes:
        habitat: Name of the habitat.
        plan: Its checked DAG.
        settings: Its effective settings.
        container: ``module:QualifiedName`` of its container.
        identify: Gives what it would be known by; computed once.
        selection: What of the pipeline it would have; None for the whole.
        origins: What it would get from outside; None where that was not asked for.
    """

    habitat: str
    plan: Plan
    settings: "EffectiveSettings[PipelineSettings]"
    container: str
    identify: "Callable[[], SessionIdentity]" = field(repr=False)
    selection: Selection | None = None
    origins: "Origins | None" = field(default=None, repr=False)

    @property
    def parent(self) -> Parent | None:
        """Whose outputs it would take over; None where it needs none."""
        taken = None if self.origins is None else self.origins.taken_over
        return None if taken is None else taken.parent

    @property
    def fingerprint(self) -> "SessionIdentity":
        """What it would be known by.

        Raises:
            UsageError: What the container declares as first party, or as package data, cannot be found.
        """
        return self.identify()

    def _repr_mimebundle_(self, **_options: object) -> Mapping[str, str]:
        """Return what a notebook shows of the pipeline: its nodes."""
        from oneml.habitats.sessions.notebook import preview_bundle  # noqa: PLC0415  # only in a notebook

        return preview_bundle(self)
