"""`PipelineComponents`: the base of declarative containers, and instances of them opened for a session or a node."""

from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, NoReturn, Self, cast

from dependency_injector import containers

from oneml.habitats.errors import InvalidComponentsError, NotOpenedError, OverrideInForceError
from oneml.habitats.habitats.blueprint import Blueprint
from oneml.habitats.habitats.bound import BoundProvider
from oneml.habitats.habitats.class_checks import class_problems, no_pipeline
from oneml.habitats.habitats.entry import own_target
from oneml.habitats.habitats.finalizers import next_order
from oneml.habitats.habitats.lifetimes import SettingRead
from oneml.habitats.habitats.overrides import Override, is_override, named_overrides, replacements
from oneml.habitats.habitats.provider_graph import Overriding, ReplacedBy, own_declarations, standing_overrides
from oneml.habitats.habitats.providers import AnyProvider
from oneml.habitats.habitats.scopes import Barred, Lease, OpenedSession, Scope, Surroundings
from oneml.habitats.habitats.settings_views import OpenedSettings, Settings
from oneml.habitats.settings.effective import EffectiveSettings
from oneml.habitats.settings.models import PipelineNodeSettings, PipelineSettings, json_tree
from oneml.habitats.values.include_paths import include_of, split_provider_key
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import ROOT, NodePath, parse_node_path
from oneml.habitats.values.session_id import new_session_id, parse_session_id

if TYPE_CHECKING:
    from oneml.habitats.graph.builder import PipelineBuilder
    from oneml.habitats.habitats.parts import Parts

    class _Declarative:
        """The stock base as type checkers should see it: its stub takes any name for a provider."""

        cls_providers: ClassVar[Mapping[str, AnyProvider]]

else:
    _Declarative = containers.DeclarativeContainer

VARIANTS_MAX = 16
"""Sets of replaced providers whose blueprints are kept for each class; objects that stand for them are not."""


class _Compiled(NamedTuple):
    """What a class was compiled from and to; ``variants`` by what stands for what."""

    declared: list[Mapping[str, AnyProvider]]
    blueprint: Blueprint
    variants: OrderedDict[frozenset[tuple[AnyProvider, ReplacedBy]], Blueprint]


class PipelineComponents(_Declarative):
    """Base of the containers that authors declare; see `open`.

    Its attributes are stock providers of dependency-injector, those of `oneml.habitats`, and ``settings``. `Singleton`
    and `Resource` give one object per session, `Factory` a new one at each use.
    """

    _scope: Scope
    _session_scope: Scope
    _lease: Lease | None
    _parts: "Parts | None"
    _declared: ClassVar[Overriding] = {}
    _compiled: ClassVar[_Compiled | None] = None

    def __init_subclass__(cls) -> None:
        """Check the names that the class declares, and note the overrides that stand in it.

        Raises:
            InvalidComponentsError: A name is reserved for what every container has.
        """
        super().__init_subclass__()
        problems = class_problems(cls, PipelineComponents)
        if problems:
            raise InvalidComponentsError(container=cls.__name__, problems=problems)
        cls._declared = standing_overrides(cls)
        cls._compiled = None

    if not TYPE_CHECKING:

        def __new__(cls, *_args: Any, **_kwargs: Any) -> NoReturn:
            """Refuse: an instance belongs to a session or a node. See `open`."""
            raise NotOpenedError(subject=f"{cls.__name__}()", container=cls.__name__)

    def define(self, pipeline: "PipelineBuilder") -> None:
        """Define the DAG: add nodes, whose bodies are what providers of this container give.

        Raises:
            InvalidPipelineError: The class defines none.
        """
        raise no_pipeline(type(self))

    @classmethod
    def open(
        cls,
        *,
        session_id: str | None = None,
        settings: Mapping[str, object] | EffectiveSettings[PipelineSettings] | None = None,
        overrides: Sequence[Override] = (),
    ) -> Self:
        """Open the container for a session.

        Args:
            session_id: The session; a new one where absent.
            settings: What the session sets, over what this process reads from files and its environment; or all that
                is in force, from `resolve_settings`.
            overrides: What stands for providers in this session alone.

        Returns:
            An instance of this class, whose providers build. Leaving its block, or `close`, ends the session.

        Raises:
            InvalidComponentsError: The container is wrongly declared.
            InvalidOverrideError: An override does not fit.
            OverrideInForceError: The library's own override stands on the class.
            SettingsError: The settings are wrong.
            InvalidSessionIdError: The id is none.
        """
        blueprint, named = cls.with_overrides(overrides)
        blueprint.checked()
        effective = settings if isinstance(settings, EffectiveSettings) else cls._resolved(settings)
        return cls.opened_unchecked(blueprint, named, effective, session_id)

    @classmethod
    def with_overrides(cls, overrides: Sequence[Override]) -> tuple[Blueprint, Sequence[Override]]:
        """Return how everything is built with ``overrides`` in place, problems and all, and the overrides named.

        Raises:
            InvalidOverrideError: An override does not fit.
            OverrideInForceError: The library's own override stands on the class.
        """
        base = cls.blueprint()
        changed = base.overridden_since()
        if changed:
            raise OverrideInForceError(container=cls.__name__, providers=changed)
        named = named_overrides(cls, base.graph, overrides) if overrides else ()
        return (cls._variant(named) if named else base), named

    @classmethod
    def opened_unchecked(
        cls,
        blueprint: Blueprint,
        named: Sequence[Override],
        settings: EffectiveSettings[PipelineSettings],
        session_id: str | None = None,
    ) -> Self:
        """Open the container as `open` does, but with a blueprint that may have problems: nothing builds then.

        Raises:
            InvalidSessionIdError: The id is none.
        """
        checked_id = new_session_id() if session_id is None else parse_session_id(session_id)
        opened = OpenedSession(checked_id, settings, named, next_order())
        scope = Scope(blueprint, f"Session {checked_id}", Surroundings(settings.process, settings.session, opened))
        for override in named:
            if override.provider is None:
                scope.own[blueprint.graph.indexes[override.target]] = override.value
        return cls.in_scope(scope, Lease(scope))

    @contextmanager
    def node(
        self, path: str, settings: Mapping[str, object] | PipelineNodeSettings | PipelineSettings | None = None
    ) -> Generator[Self]:
        """Open the scope of a node of this session.

        Args:
            path: The node.
            settings: As its author gives them for the node, below what the session sets for it; or all that is in
                force there.

        Returns:
            An instance of this class, or of that of the included habitat whose node it is, for the time of the block,
            whose providers see the node.

        Raises:
            InvalidNodePathError: ``path`` is none.
            SettingsError: The settings are wrong.
            ClosedScopeError: The session is closed.
        """
        checked = parse_node_path(path)
        part = self if self._parts is None else cast("Self", self.opened_part(include_of(self._parts.paths, checked)))
        scope = part.open_node(checked, self._node_settings(checked, settings))
        try:
            yield part.in_scope(scope, Lease(scope, part._lease))  # noqa: SLF001  # of this base, too
        finally:
            scope.close()

    def open_node(self, path: NodePath, settings: PipelineSettings) -> Scope:
        """Open the scope of a node: what runs nodes uses this, for it costs little.

        Args:
            path: The node.
            settings: All that is in force there.

        Raises:
            ClosedScopeError: The session is closed.
        """
        if self._parts is not None:
            part = self.opened_part(include_of(self._parts.paths, path))
            if part is not self:
                return part.open_node(path, settings)
        return self._session_scope.open_node(path, settings)

    def close(self) -> None:
        """Close the session, or the node where this was opened for one; a second time does nothing.

        Raises:
            BaseExceptionGroup: What finalizers raised; all of them ran.
        """
        if self._parts is None:
            self._scope.close()
        else:
            self._parts.close(self._scope.close)

    @property
    def opened_parts(self) -> "Parts":
        """The opened containers of included habitats."""
        if self._parts is not None:
            return self._parts
        from oneml.habitats.habitats.parts import Parts  # noqa: PLC0415  # few sessions include any

        return Parts()

    def take_parts(self, parts: "Parts") -> None:
        """Have the containers of included habitats: they answer for their nodes, and close before this one."""
        vars(self)["_parts"] = parts

    def take_settings(self, settings: EffectiveSettings[PipelineSettings]) -> None:
        """Have the entries for nodes, which are known once the DAG is; what session and process set is the same."""
        surroundings = self._session_scope.surroundings
        opened = self._opened._replace(settings=settings)
        self._session_scope.surroundings = surroundings._replace(opened=opened)

    def opened_part(self, path: NodePath) -> "PipelineComponents":
        """Return the opened container at an include path; this one for the root."""
        return self if path == ROOT else cast("Parts", self._parts).at(path)

    @property
    def session_id(self) -> str:
        """The session that the container is open for."""
        return self._opened.session_id

    @property
    def opened_blueprint(self) -> Blueprint:
        """How everything is built in this session."""
        return self._scope.blueprint

    @classmethod
    def concerned_overrides(cls, overrides: Sequence[Override]) -> Sequence[Override]:
        """Return those of some overrides that are about providers of this class, or are none at all."""
        indexes = cls.blueprint().graph.indexes
        return [override for override in overrides if not is_override(override) or override.target in indexes]

    @property
    def overrides(self) -> Sequence[Override]:
        """What stands for providers in this session, each with the dotted name of its provider."""
        return self._opened.overrides

    @classmethod
    def settings_model(cls) -> type[PipelineSettings]:
        """Return the settings model of the container."""
        declared: object = getattr(cls, "settings", None)
        return (
            cast("Settings[PipelineSettings]", declared).model if isinstance(declared, Settings) else PipelineSettings
        )

    def settings_reads(self, provider: str) -> frozenset[SettingRead]:
        """Return the settings that anything reads that a provider reaches.

        Args:
            provider: Its key: the dotted name, in an included habitat behind its path, ``//training:load``.

        Raises:
            UnknownProviderError: There is none of that name.
        """
        include, name = split_provider_key(provider)
        if include != ROOT:
            return self.opened_part(include).settings_reads(name)
        return self._scope.blueprint.settings_reads(provider)

    @classmethod
    def blueprint(cls) -> Blueprint:
        """Return how everything in the container is built; compiled at its first use, problems and all."""
        compiled = cls._compiled
        declared = own_declarations(cls)
        if compiled is None or compiled.declared != declared:
            blueprint = Blueprint(cls, cls.settings_model(), cls._declared, {})
            compiled = cls._compiled = _Compiled([dict(own) for own in declared], blueprint, OrderedDict())
        return compiled.blueprint

    @classmethod
    def declared_overrides(cls) -> Overriding:
        """Return the library's own overrides that have stood since the class was declared, and belong to it."""
        return cls._declared

    @contextmanager
    def defining(self) -> Generator[None]:
        """Refuse to build anything for the time of the block: the DAG is being defined."""
        scope = self._session_scope
        if scope.barred is not None:
            raise scope.refusal(type(self).__name__)
        scope.barred = Barred.DEFINING
        try:
            yield
        finally:
            if scope.barred is Barred.DEFINING:
                scope.barred = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._scope.name}>"

    def _repr_mimebundle_(self, **_options: object) -> Mapping[str, str]:
        """Return what a notebook shows of the container: its objects."""
        from oneml.habitats.habitats.notebook import components_bundle  # noqa: PLC0415  # only in a notebook

        return components_bundle(self)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        message = f"An opened container does not change. Give replace({type(self).__name__}.{name}, ...) to open()."
        raise AttributeError(message)

    def __reduce__(self) -> NoReturn:
        message = "An opened container stays in its process. Open it from its name and its session there."
        raise TypeError(message)

    @property
    def _opened(self) -> OpenedSession:
        opened = self._scope.surroundings.opened
        if opened is None:
            raise NotOpenedError(subject=type(self).__name__)
        return opened

    @classmethod
    def in_scope(cls, scope: Scope, lease: Lease | None = None) -> Self:
        """Return an instance whose providers build in ``scope``, and keep it open by ``lease``."""
        self = object.__new__(cls)
        attributes = vars(self)
        for name, index in scope.blueprint.attributes:
            attributes[name] = BoundProvider(scope, index, lease)
        attributes["settings"] = OpenedSettings(scope)
        attributes["_scope"] = scope
        attributes["_session_scope"] = scope.session or scope
        attributes["_lease"] = lease
        attributes["_parts"] = None
        return self

    @classmethod
    def _variant(cls, overrides: Sequence[Override]) -> Blueprint:
        """Return the blueprint for a set of replaced providers; which objects stand for them makes no difference."""
        compiled = cast("_Compiled", cls._compiled)
        replaced = replacements(overrides)
        key = frozenset(replaced.items())
        blueprint = compiled.variants.get(key)
        if blueprint is None:
            blueprint = Blueprint(cls, cls.settings_model(), cls._declared, replaced)
            compiled.variants[key] = blueprint
            while len(compiled.variants) > VARIANTS_MAX:
                compiled.variants.popitem(last=False)
        return blueprint

    @classmethod
    def _resolved(cls, settings: Mapping[str, object] | None) -> EffectiveSettings[PipelineSettings]:
        from oneml.habitats.habitats.settings_here import settings_here  # noqa: PLC0415  # a worker does without

        return settings_here(own_target(cls), cls.settings_model(), settings)

    def _node_settings(
        self, path: NodePath, settings: Mapping[str, object] | PipelineNodeSettings | PipelineSettings | None
    ) -> PipelineSettings:
        if isinstance(settings, PipelineSettings):
            return settings
        author: Mapping[str, JsonValue] | None = None
        if isinstance(settings, PipelineNodeSettings):
            author = settings.entries()
        elif settings is not None:
            author = json_tree(settings, source="code")
        return self._opened.settings.node(path, author)


def define_pipeline(components: PipelineComponents, pipeline: "PipelineBuilder") -> None:
    """Let a container define its DAG, building nothing.

    Raises:
        BuiltInDefineError: ``define`` builds something.
    """
    with components.defining():
        components.define(pipeline)
