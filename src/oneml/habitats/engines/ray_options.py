"""Options of the Ray engine, checked."""

from collections.abc import Mapping
from typing import NamedTuple, NoReturn, Self, cast

from oneml.habitats.errors import EngineError
from oneml.habitats.ports.engine import INLINE_RESULT_MAX_BYTES


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
            EngineError: One is unknown, or has a value that it cannot have.
        """
        unknown = sorted(set(options) - set(cls._fields))
        if unknown:
            _refuse("it has no option", ", ".join(unknown) + "; known:", ", ".join(sorted(cls._fields)))
        inline = options.get("inline_max_bytes", INLINE_RESULT_MAX_BYTES)
        if isinstance(inline, bool) or not isinstance(inline, int) or not 0 <= inline <= INLINE_RESULT_MAX_BYTES:
            _refuse("option inline_max_bytes is not from 0 to", str(INLINE_RESULT_MAX_BYTES), "but", repr(inline))
        images = _table(options.get("images", {}), "images")
        return cls(
            _text(options, "address"),
            _text(options, "namespace"),
            _table(options.get("init", {}), "init"),
            {name: _table(image, f"images.{name}") for name, image in images.items()},
            _seconds(options, "unschedulable_seconds"),
            _seconds(options, "image_seconds"),
            _seconds(options, "connect_seconds"),
            inline,
        )


def _text(options: Mapping[str, object], name: str) -> str | None:
    value = options.get(name)
    if value is not None and not isinstance(value, str):
        _refuse("option", name, "is no text but a", type(value).__name__)
    return value


def _seconds(options: Mapping[str, object], name: str) -> float:
    value = options.get(name, RayOptions._field_defaults[name])
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        _refuse("option", name, "is no number above 0 but", repr(value))
    return float(value)


def _table(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        _refuse("option", name, "is no table but a", type(value).__name__)
    return cast("Mapping[str, object]", value)


def _refuse(*words: str) -> NoReturn:
    raise EngineError(engine="ray", reason=" ".join(words))
