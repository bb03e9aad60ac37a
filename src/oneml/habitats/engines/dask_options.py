"""Options of the Dask engine, checked."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from oneml.habitats.engines.option_values import checked_options
from oneml.habitats.ports.engine import INLINE_RESULT_MAX_BYTES


class DaskOptions(NamedTuple):
    """What settings say of the engine.

    Attributes:
        address: Of a scheduler; None to look into Dask's own configuration, then to start a cluster.
        unschedulable_seconds: How long a node may ask for what no worker offers.
        connect_seconds: How long to wait for the scheduler.
        grace_seconds: How long a stopped session waits for nodes that run, which nobody can end.
        inline_max_bytes: Values up to this size travel by the scheduler; 0 lets workers commit everything themselves.
    """

    address: str | None = None
    unschedulable_seconds: float = 30.0
    connect_seconds: float = 10.0
    grace_seconds: float = 5.0
    inline_max_bytes: int = INLINE_RESULT_MAX_BYTES

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Self:
        """Return the options that settings give.

        Raises:
            SettingsError: Some are unknown, or have values that they cannot have.
        """
        given = checked_options("dask", options, cls._field_defaults)
        return cls(**given)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checked by name
