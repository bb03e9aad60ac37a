"""Options of the Dask engine, checked."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from oneml.habitats.errors import EngineError
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
            EngineError: One is unknown, or has a value that it cannot have.
        """
        unknown = sorted(set(options) - set(cls._fields))
        if unknown:
            reason = f"it has no option {', '.join(unknown)}; known: {', '.join(sorted(cls._fields))}"
            raise EngineError(engine="dask", reason=reason)
        address = options.get("address")
        if address is not None and not isinstance(address, str):
            raise EngineError(engine="dask", reason=f'option "address" is no text but {address!r}')
        seconds = {name: _number(options, name) for name in cls._fields if name.endswith("_seconds")}
        inline = options.get("inline_max_bytes", INLINE_RESULT_MAX_BYTES)
        if not isinstance(inline, int) or not 0 <= inline <= INLINE_RESULT_MAX_BYTES:
            reason = f'option "inline_max_bytes" is not from 0 to {INLINE_RESULT_MAX_BYTES} but {inline!r}'
            raise EngineError(engine="dask", reason=reason)
        return cls(address, inline_max_bytes=inline, **seconds)


def _number(options: Mapping[str, object], name: str) -> float:
    value = options.get(name, DaskOptions._field_defaults[name])
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise EngineError(engine="dask", reason=f'option "{name}" is no number above 0 but {value!r}')
    return float(value)
