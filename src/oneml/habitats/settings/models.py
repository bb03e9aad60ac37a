"""The three classes of settings: of the process, of a session, of a node."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self, Unpack

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import Format, get_annotations, override

from oneml.habitats.errors import InvalidSettingsModelError, SettingsError, UnknownSettingError
from oneml.habitats.settings.calling import CodePlace, calling_place
from oneml.habitats.settings.json_form import as_json
from oneml.habitats.settings.markers import execution_only, merged_tables
from oneml.habitats.settings.shapes import settings_of
from oneml.habitats.settings.signing_key import SIGNING_KEY_NAME
from oneml.habitats.settings.variables import (
    DELIMITER,
    RESERVED_PREFIX,
    VariablesSource,
    prefix_conflict,
    prefix_of,
)
from oneml.habitats.values.json_value import JsonValue
from oneml.habitats.values.node_path import parse_node_path
from oneml.habitats.values.setting_problem import SettingProblem

MEMORY_STORE = "memory:"
"""The only store that a session or a node may name: its outputs stay in the driver's memory."""

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Timeout = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Backoff = Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
OnFailure = Literal["continue", "stop"]


class Resources(BaseModel):
    """What a node needs of the machine that it runs on."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    cpus: PositiveFloat = Field(default=1.0, description="Processors.")
    memory_bytes: PositiveInt | None = Field(default=None, description="Bytes of memory; none: no bound.")
    gpus: NonNegativeInt = Field(default=0, description="Graphics processors.")


class Verification(BaseModel):
    """How strictly a worker holds what it finds against what the session was created with."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    mode: Literal["strict", "warn"] = Field(
        default="strict", description="Whether a difference is refused, or told while the node runs all the same."
    )
    packages: Literal["exact", "compatible"] = Field(
        default="exact", description="Whether versions of packages must be the same, or compatible."
    )
    python: Literal["exact", "compatible"] = Field(
        default="exact", description="Whether the minor version of Python must be the same, or compatible."
    )
    rotation: Literal["refuse", "allow"] = Field(
        default="refuse", description="Whether another secret behind the same reference is refused, or allowed."
    )


class PipelineSettings(BaseSettings):
    """Settings of the process; a package derives from it and adds its own fields.

    The fields here are reserved: they are read under ``ONEML_SETTINGS__`` in every subclass, the package's own fields
    under the ``env_prefix`` that it declares, else under its upper-cased import name and ``_``. Called directly, a
    model takes its defaults, what the environment says over them, and the given arguments over both; files, sessions
    and nodes come with `resolve_settings`.

    Raises:
        InvalidSettingsModelError: When a subclass is defined that declares a reserved name anew, gives a field an
            alias, contains a model that reads the environment by itself, takes a prefix of ours, or changes how and
            from where settings are read.
    """

    # Defaults are Python values, but a merged tree is validated as JSON, so they are not validated along with it. The
    # classes here are built when they are first used: a worker needs the package's own, not these.
    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=False,
        defer_build=True,
        env_nested_delimiter=DELIMITER,
    )

    engine: Annotated[str, execution_only] = Field(
        default="in-process", min_length=1, description="The engine that runs nodes, by name."
    )
    workers: Annotated[PositiveInt | None, execution_only] = Field(
        default=None, description="How many nodes may run at once; none: the engine decides."
    )
    image: Annotated[str | None, execution_only] = Field(default=None, description="The image that nodes run in.")
    tags: Annotated[tuple[Tag, ...], execution_only] = Field(
        default=(), description="What the workers that nodes run on must carry."
    )
    priority: Annotated[int, execution_only] = Field(
        default=0, description="Of nodes that wait, those of higher priority start first."
    )
    isolated: Annotated[bool, execution_only] = Field(
        default=False, description="Whether each node has a process of its own, where the engine has workers."
    )
    resources: Annotated[Resources, execution_only] = Field(
        default_factory=Resources, description="What a node needs of its machine."
    )
    retries: Annotated[NonNegativeInt, execution_only] = Field(
        default=0, description="How often a node that failed is tried again."
    )
    retry_delay_seconds: Annotated[Seconds, execution_only] = Field(
        default=0.0, description="Seconds to wait before a node is tried again."
    )
    retry_backoff: Annotated[Backoff, execution_only] = Field(
        default=1.0, description="By how much that time grows with each further try."
    )
    timeout_seconds: Annotated[Timeout | None, execution_only] = Field(
        default=None, description="Seconds after which a running node is ended; none: never."
    )
    engines: Annotated[dict[str, dict[str, object]], execution_only, merged_tables] = Field(
        default={}, description="Options of engines themselves, by name of the engine: addresses, partitions."
    )
    on_failure: Annotated[OnFailure, execution_only] = Field(
        default="continue", description="Whether independent branches go on after a node failed, or stop."
    )
    store: Annotated[str | None, execution_only] = Field(
        default=None, description="URL of the artifact store; memory: keeps outputs in the driver's memory."
    )
    output_max_bytes: Annotated[PositiveInt | None, execution_only] = Field(
        default=None, description="Bytes that an output may have at most; none: any number."
    )
    serializers: dict[str, str] = Field(default={}, description="Name of the serializer, by output port.")
    allow_pickle: Annotated[bool, execution_only] = Field(
        default=False, description="Whether outputs may be written and read by pickle."
    )
    verification: Annotated[Verification, execution_only] = Field(
        default_factory=Verification, description="How strictly a worker is held against the session's recipe."
    )
    unproven: Annotated[Literal["refuse", "pin"], execution_only] = Field(
        default="refuse",
        description="Whether code that the driver does not have is refused, or settled by the first worker.",
    )
    reusable: Annotated[bool, execution_only] = Field(
        default=True, description="Whether outputs that an earlier session computed may be taken."
    )

    @override
    def __init_subclass__(cls, **kwargs: Unpack[ConfigDict]) -> None:
        super().__init_subclass__(**kwargs)
        for kind in cls.__mro__[: cls.__mro__.index(PipelineSettings)]:
            declared = {*get_annotations(kind, format=Format.FORWARDREF), *vars(kind)}
            names = sorted(declared & (RESERVED_NAMES | NAMES_OF_OTHERS))
            if names:
                raise InvalidSettingsModelError(
                    model=cls.__name__,
                    reason=f'"{names[0]}" is reserved, as are {", ".join(sorted(RESERVED_NAMES - {names[0]}))}',
                    remedy="Rename the field.",
                )

    @override
    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        _check_model(cls)

    @override
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the arguments over the environment, with both prefixes; no file."""
        own = settings_cls.model_fields.keys() - RESERVED_NAMES
        return (
            init_settings,
            VariablesSource(settings_cls, prefix=RESERVED_PREFIX, names=RESERVED_NAMES),
            VariablesSource(settings_cls, prefix=prefix_of(settings_cls), names=own),
        )


RESERVED_NAMES = frozenset(PipelineSettings.model_fields)
"""The fields that every package's settings have."""

NAMES_OF_OTHERS = frozenset({"fields", "nodes", SIGNING_KEY_NAME})
"""What stands beside settings in code and files and is none, so that no setting may be called so."""

SESSION_ONLY_NAMES = frozenset({"workers", "engines", "isolated", "on_failure", "allow_pickle", "verification"})
"""Those of them that a whole session shares, so that no node may set them."""


class NodeLevelSettings(BaseModel):
    """What both a session and a node may set; everything is optional, and what is not given is not set."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    engine: str | None = Field(default=None, min_length=1)
    image: str | None = None
    tags: tuple[Tag, ...] | None = None
    priority: int | None = None
    resources: Resources | None = None
    retries: NonNegativeInt | None = None
    retry_delay_seconds: Seconds | None = None
    retry_backoff: Backoff | None = None
    timeout_seconds: Timeout | None = None
    store: str | None = None
    output_max_bytes: PositiveInt | None = None
    serializers: Mapping[str, str] | None = None
    unproven: Literal["refuse", "pin"] | None = None
    reusable: bool | None = None
    fields: Mapping[str, object] = Field(default={}, repr=False, description="The package's own fields, by name.")
    _place: CodePlace = PrivateAttr(default_factory=CodePlace.of_caller)

    @model_validator(mode="wrap")
    @classmethod
    def _in_our_words(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            # Not chained: pydantic's error carries the inputs, and one of them may be a secret.
            raise _settings_error(cls, error) from None

    @field_validator("store")
    @classmethod
    def _only_memory(cls, store: str | None) -> str | None:
        if store not in {None, MEMORY_STORE}:
            raise ValueError(STORE_RULE)
        return store

    @field_validator("fields")
    @classmethod
    def _own_fields_only(cls, fields: Mapping[str, object]) -> Mapping[str, object]:
        for name in sorted(fields.keys() & (RESERVED_NAMES | NAMES_OF_OTHERS)):
            message = f'"{name}" is reserved: it does not belong in fields={{...}}, give it beside them'
            raise ValueError(message)
        return dict(fields)

    def entries(self) -> Mapping[str, JsonValue]:
        """Return what is set as one tree, reserved and own fields side by side.

        Raises:
            SettingsError: A value has no form in JSON, or is a secret itself.
        """
        given: dict[str, object] = {
            name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set
        }
        tree = {name: value for name, value in given.items() if name not in {"fields", "nodes"}} | dict(self.fields)
        return json_tree(tree, source=self.source)

    @property
    def source(self) -> str:
        """Where these settings were made, ``file:line``; empty where that is not known."""
        return self._place.text


class PipelineNodeSettings(NodeLevelSettings):
    """Overrides entries of the session's settings for a node, or for all nodes of a namespace or fan-out."""


class PipelineSessionSettings(NodeLevelSettings):
    """Overrides entries of the process's settings for a session; ``nodes`` those of nodes, by path."""

    workers: PositiveInt | None = None
    isolated: bool | None = None
    engines: Mapping[str, Mapping[str, object]] | None = None
    on_failure: OnFailure | None = None
    allow_pickle: bool | None = None
    verification: Verification | None = None
    nodes: Mapping[str, PipelineNodeSettings] = Field(default={}, description="Entries for nodes, by path.")

    @field_validator("nodes")
    @classmethod
    def _paths(cls, nodes: Mapping[str, PipelineNodeSettings]) -> Mapping[str, PipelineNodeSettings]:
        return {parse_node_path(path): entry for path, entry in nodes.items()}


STORE_RULE = (
    'only "memory:" may stand here, which keeps outputs in the driver\'s memory; '
    "give another store by ONEML_STORE_URL, or in the user's settings file"
)


def json_tree(values: Mapping[str, object], *, source: str) -> Mapping[str, JsonValue]:
    """Return values that were given in code, or read from a file, as a tree of JSON values.

    Raises:
        SettingsError: Some have no form in JSON, or are secrets themselves.
    """
    tree: dict[str, JsonValue] = {}
    problems: list[SettingProblem] = []
    for name, value in values.items():
        try:
            tree[str(name)] = as_json(value)
        except ValueError as error:
            problems.append(SettingProblem(str(name), f"{name}: {error}", source))
    if problems:
        raise SettingsError(problems=problems)
    return tree


_FIXED_CONFIG = frozenset(BaseSettings.model_config) - {
    "env_prefix",
    "arbitrary_types_allowed",
    "protected_namespaces",
} | {"frozen", "extra", "hide_input_in_errors"}


def _check_model(model: type[PipelineSettings]) -> None:
    """Refuse what would let a setting have another name, another source or another meaning on a worker."""
    for name, field in model.model_fields.items():
        if field.alias is not None or field.validation_alias is not None or field.serialization_alias is not None:
            raise InvalidSettingsModelError(
                model=model.__name__,
                reason=f'"{name}" has an alias',
                remedy="A setting has one name: rename the field.",
            )
    config, base = dict(model.model_config), dict(PipelineSettings.model_config)
    for key in sorted(_FIXED_CONFIG):
        if config.get(key) != base.get(key):
            raise InvalidSettingsModelError(
                model=model.__name__,
                reason=f'its model_config changes "{key}"',
                remedy="How and from where settings are read is fixed, but for env_prefix.",
            )
    for method in ("__init__", "settings_customise_sources"):
        if getattr(model, method) != getattr(PipelineSettings, method) and method in vars(model):
            raise InvalidSettingsModelError(
                model=model.__name__,
                reason=f"it defines {method}",
                remedy="The layers decide where settings come from: remove it.",
            )
    conflict = prefix_conflict(prefix_of(model)) if model.model_fields.keys() - RESERVED_NAMES else None
    if conflict is not None:
        raise InvalidSettingsModelError(
            model=model.__name__,
            reason=f"its variables would begin with {prefix_of(model)}, as {conflict} does",
            remedy="Declare another env_prefix in its model_config.",
        )
    if model.__pydantic_fields_complete__:
        settings_of(model)


def _settings_error(model: type[BaseModel], error: ValidationError) -> SettingsError:
    source = calling_place()
    items = error.errors(include_url=False, include_context=False, include_input=False)
    unknown = [str(item["loc"][-1]) for item in items if item["type"] == "extra_forbidden" and len(item["loc"]) == 1]
    if unknown and len(items) == 1:
        known = model.model_fields.keys()
        return UnknownSettingError(
            model=model.__name__,
            name=unknown[0],
            unknown=unknown[0],
            known=known,
            reserved=RESERVED_NAMES,
            source=source,
        )
    return SettingsError(
        problems=[
            SettingProblem(name, f"{name}: {item['msg'].removeprefix('Value error, ')}", source)
            for item in items
            for name in (".".join(map(str, item["loc"])) or model.__name__,)
        ]
    )
