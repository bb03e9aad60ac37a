"""Settings in a container: three typed views, providers while the class is declared, values once it is open."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, cast

from dependency_injector import providers
from pydantic import BaseModel

from oneml.habitats.errors import InvalidOverrideError, InvalidSettingsModelError, MisspeltSettingError, NotOpenedError
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.settings.models import RESERVED_NAMES, PipelineSettings
from oneml.habitats.settings.shapes import Setting, dotted, settings_of

if TYPE_CHECKING:
    from oneml.habitats.habitats.scopes import Scope

S = TypeVar("S", bound=PipelineSettings)


class SettingView(providers.Provider[Any]):
    """A view of the settings, or one setting of it, as an argument of other providers.

    Settings are its attributes; names that begin with an underscore are its own.
    """

    def __init__(self, root: type[PipelineSettings], layer: str, path: tuple[str, ...], below: object) -> None:
        super().__init__()
        self._root = root
        self._read = SettingRead(layer, dotted(path))
        self._path = path
        self._model = below if isinstance(below, type) and issubclass(below, BaseModel) else None
        self._children: dict[str, SettingView] = {}

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_"):
            return super().__getattribute__(name)
        known: Mapping[str, Setting] = {} if self._model is None else settings_of(self._model)
        if name in known:
            child = self._children.get(name)
            if child is None:
                child = SettingView(self._root, self._read.layer, (*self._path, name), known[name].model)
                self._children[name] = child
            return child
        if hasattr(providers.Provider, name):
            return super().__getattribute__(name)
        raise MisspeltSettingError(
            model=self._root.__name__,
            name=dotted((*self._path, name)),
            unknown=name,
            known=known,
            reserved=RESERVED_NAMES,
        )

    def __deepcopy__(self, memo: dict[Any, Any] | None) -> "SettingView":
        return self

    def __format__(self, format_spec: str) -> NoReturn:
        raise NotOpenedError(subject=str(self._read))

    def __repr__(self) -> str:
        return f"<{self._read} of {self._root.__name__}>"

    def _provide(self, args: tuple[object, ...], kwargs: dict[str, object]) -> NoReturn:
        raise NotOpenedError(subject=str(self._read))

    def override(self, provider: object) -> NoReturn:
        """Refuse: settings are not overridden.

        Raises:
            InvalidOverrideError: Always; says how settings are given.
        """
        raise InvalidOverrideError(
            container=self._root.__name__,
            reasons=[f"{self._read} is a setting: give settings={{...}} to open() or create_session()."],
        )


def read_of(view: SettingView) -> SettingRead:
    """Return what ``view`` reads."""
    return view._read  # noqa: SLF001  # its public names are settings  # pyright: ignore[reportPrivateUsage]


def model_of(view: SettingView) -> type[PipelineSettings]:
    """Return the settings model that ``view`` was declared for."""
    return view._root  # noqa: SLF001  # its public names are settings  # pyright: ignore[reportPrivateUsage]


class Settings(Generic[S]):
    """Declares the settings of a package, in its container under the name ``settings``.

    The view says which layers reach the argument that it is given to: `process` the process only, `session` also the
    session, `node` also the node. To type checkers a view is the model; in the class body it is a provider; in an
    opened container it has the values.

    Args:
        model: The settings model of the package.

    Raises:
        InvalidSettingsModelError: ``model`` is no subclass of `PipelineSettings`.
    """

    def __init__(self, model: type[S]) -> None:
        given = cast("object", model)
        if not (isinstance(given, type) and issubclass(given, PipelineSettings)):
            raise InvalidSettingsModelError(
                model=model.__name__ if isinstance(given, type) else f"{given!r:.80}",
                reason="it is no subclass of PipelineSettings",
                remedy="Derive it from oneml.habitats.PipelineSettings.",
            )
        self._model = model
        self._views = {layer: SettingView(model, layer, (), model) for layer in ("process", "session", "node")}

    @property
    def model(self) -> type[S]:
        """The settings model."""
        return self._model

    @property
    def process(self) -> S:
        """What holds for the whole process."""
        return cast("S", self._views["process"])

    @property
    def session(self) -> S:
        """What holds for the session."""
        return cast("S", self._views["session"])

    @property
    def node(self) -> S:
        """What holds for the node."""
        return cast("S", self._views["node"])


class OpenedSettings:
    """The values of the three views in an opened container."""

    __slots__ = ("_scope",)

    def __init__(self, scope: "Scope") -> None:
        self._scope = scope

    @property
    def process(self) -> PipelineSettings:
        """What holds for the whole process."""
        return self._scope.surroundings.process_settings

    @property
    def session(self) -> PipelineSettings:
        """What holds for the session."""
        return self._scope.settings_of_session("settings.session")

    @property
    def node(self) -> PipelineSettings:
        """What holds for the node.

        Raises:
            OutsideNodeError: No node is open.
        """
        return self._scope.settings_of_node("settings.node")
