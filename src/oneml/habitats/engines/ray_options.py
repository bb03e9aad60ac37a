"""Options of the Ray engine, checked."""

from collections.abc import Mapping
from typing import NamedTuple, Self, cast

from oneml.habitats.engines.option_values import checked_options
from oneml.habitats.errors import SettingsError
from oneml.habitats.ports.engine import INLINE_RESULT_MAX_BYTES
from oneml.habitats.values.setting_problem import SettingProblem


class RayOptions(NamedTuple):
    """What settings say of the engine.

    Attributes:
        address: Of a cluster; None to look at RAY_ADDRESS, then to start a cluster on this machine.
        namespace: Ray's own; None for one that nobody else has.
        init: What else ``ray.init`` is given.
        images: By the name of an image, the ``runtime_env`` that stands for it.
        unschedulable_seconds: How long a node may ask for what no machine of the cluster offers.
        image_seconds: How long the first worker of an image may take to start.
        connect_seconds: How long to wait for the cluster.
        inline_max_bytes: Values up to this size travel with replies; 0 lets workers commit everything themselves.
    """

    address: str | None = None
    namespace: str | None = None
    init: Mapping[str, object] = {}
    images: Mapping[str, Mapping[str, object]] = {}
    unschedulable_seconds: float = 30.0
    image_seconds: float = 60.0
    connect_seconds: float = 10.0
    inline_max_bytes: int = INLINE_RESULT_MAX_BYTES

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Self:
        """Return the options that settings give.

        Raises:
            SettingsError: Some are unknown, or have values that they cannot have.
        """
        given = checked_options("ray", options, cls._field_defaults)
        images = cast("Mapping[str, object]", given.get("images", {}))
        wrong = [(f"engines.ray.images.{name}", it) for name, it in images.items() if not isinstance(it, Mapping)]
        if wrong:
            told = [SettingProblem(name, f"{name} has to be a table, not {it!r}.") for name, it in wrong]
            raise SettingsError(problems=told)
        return cls(**given)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # checked by name
