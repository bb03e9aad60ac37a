"""Every error of the package.

The tree, and what commands end with::

    OnemlError                          never raised itself
    ├── UsageError              exit 2  usage, settings, unknown name, invalid pipeline
    │   ├── InvalidHabitatNameError
    │   ├── UnknownHabitatError
    │   ├── DuplicateHabitatError
    │   ├── BrokenHabitatError
    │   ├── NotAHabitatError
    │   ├── InvalidFirstPartyError
    │   ├── InvalidPackageDataError
    │   ├── DefinitionFailedError
    │   ├── UnsupportedPlatformError
    │   ├── InvalidPipelineError
    │   ├── InvalidExecutableError
    │   ├── InvalidInclusionError
    │   ├── InvalidBodyError
    │   ├── FixedSettingError
    │   ├── NotYetRunError
    │   ├── PipelineBuiltError
    │   ├── UnknownStoreError
    │   ├── InvalidStoreKeyError
    │   ├── SessionBusyError
    │   ├── UnknownSerializerError
    │   ├── SerializerPluginError
    │   ├── MissingLibraryError
    │   ├── PickleRefusedError
    │   ├── InvalidSettingsModelError
    │   ├── SettingsError
    │   │   ├── UnknownSettingError
    │   │   │   └── MisspeltSettingError
    │   │   └── UnknownVariableError
    │   ├── SecretUnavailableError
    │   ├── InvalidComponentsError
    │   ├── InvalidOverrideError
    │   ├── OverrideInForceError
    │   ├── LeftBehindError
    │   ├── UnknownProviderError
    │   ├── NotOpenedError
    │   ├── ClosedScopeError
    │   ├── OutsideNodeError
    │   ├── BuiltInDefineError
    │   ├── UnbuildableError
    │   ├── UninstalledReferenceError
    │   ├── ReferenceMismatchError
    │   ├── UnknownEngineError
    │   ├── NotAnEngineError
    │   ├── EnginePluginError
    │   ├── UnknownNodeError
    │   │   └── NotSelectedError
    │   ├── InvalidSelectionError
    │   ├── NoParentError
    │   ├── UnknownPortError
    │   ├── DiagramTooLargeError
    │   ├── UnknownSessionError
    │   ├── AmbiguousSessionError
    │   ├── SessionExistsError
    │   ├── InvalidInputsError
    │   ├── InputsMissingError
    │   ├── InMemoryNodeError
    │   ├── RecipeTooLargeError
    │   ├── NoSessionError
    │   ├── InvalidNodePathError
    │   ├── InvalidSessionIdError
    │   └── InvalidDocumentError
    ├── RunError                exit 1  the pipeline or a node failed
    │   ├── NoOutputError
    │   ├── SessionFailedError
    │   ├── WrongResultError
    │   ├── PublishedTwiceError
    │   ├── SerializationError
    │   ├── OutputTooLargeError
    │   └── DeserializationError
    ├── RefusalError            exit 3  a worker is not what the recipe says
    │   ├── DriftError
    │   ├── HabitatMissingError
    │   ├── HabitatMismatchError
    │   ├── LiveOverridesError
    │   ├── OverrideRefusedError
    │   ├── RecipeAlteredError
    │   ├── ParentRefusedError
    │   ├── SignatureRefusedError
    │   ├── SigningKeyMissingError
    │   ├── UnprovenError
    │   ├── SecretRefusedError
    │   └── SettingsModelChangedError
    └── BackendError            exit 4  an engine or a store failed
        ├── EngineError
        └── StoreError
            └── CorruptArtifactError

A message says what is wrong, what is known, and what to do next.

All are in one file, longer than any other here: the tree is read as one, and each further module would delay the start
of every command and worker.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from oneml.habitats.values.drift import Drift
from oneml.habitats.values.problem import Problem
from oneml.habitats.values.setting_problem import SettingProblem
from oneml.habitats.values.suggestions import known_names

_DIFFERENCES_SHOWN = 20
_DRIFTS_NAMED = 5
_FAILURES_SHOWN = 10
_VALUE_CHARACTERS = 100
_BESIDE_CHARACTERS = 40


class OnemlError(Exception):
    """Root of the tree; catch it to catch everything that this package raises on purpose."""

    exit_code: ClassVar[int]

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[OnemlError], args: tuple[object, ...], fields: dict[str, object]) -> OnemlError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(fields)
    return error


class UsageError(OnemlError):
    """Something that was given is wrong."""

    exit_code = 2


class RunError(OnemlError):
    """A pipeline or a node failed."""

    exit_code = 1


class RefusalError(OnemlError):
    """A worker refuses, because it is not what the recipe says."""

    exit_code = 3


class BackendError(OnemlError):
    """An engine or a store failed."""

    exit_code = 4


class InvalidNodePathError(UsageError):
    """A text is no node path, or no segment of one.

    Attributes:
        path: The text.
        near: The path that was perhaps meant.
    """

    def __init__(self, *, path: str, rule: str, near: str = "") -> None:
        self.path = path
        self.near = near
        question = f' Did you mean "{near}"?' if near else ""
        super().__init__(f"{path[:80]!r} is not a node path. {rule}{question}")


class InvalidSessionIdError(UsageError):
    """A text is no session id."""

    def __init__(self, *, session_id: str) -> None:
        self.session_id = session_id
        super().__init__(
            f"{session_id[:80]!r} is not a session id. "
            "An id has 1 to 64 of A-Z a-z 0-9 _ - and starts with a letter or a digit."
        )


class InvalidDocumentError(UsageError):
    """A document of ours cannot be read."""

    def __init__(self, *, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(f"The {what} cannot be read: {reason}.")


class InvalidHabitatNameError(UsageError):
    """A text cannot be the name of a habitat."""

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name[:80]!r} is not a name for a habitat. "
            "A name has 1 to 64 of a-z 0-9 . _ - and starts with a letter or a digit."
        )


class UnknownHabitatError(UsageError):
    """No habitat has that name."""

    def __init__(self, *, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        none = "None is installed: install a package that offers one, or let `oneml new` write one."
        hint = known_names(name, known) if known else none
        super().__init__(f'No habitat "{name[:80]}". {hint}')


class DuplicateHabitatError(UsageError):
    """One name stands for several habitats."""

    def __init__(self, *, name: str, offers: Sequence[str]) -> None:
        self.name = name
        self.offers = tuple(offers)
        super().__init__(
            f'Several habitats are called "{name}": {", ".join(offers)}. Uninstall or rename all but one of them.'
        )


class BrokenHabitatError(UsageError):
    """A habitat cannot be imported; what its package raised is the cause."""

    def __init__(self, *, name: str, target: str, origin: str, reason: str, remedy: str) -> None:
        self.name = name
        self.target = target
        self.origin = origin
        self.reason = reason
        self.remedy = remedy
        super().__init__(f'Habitat "{name}" ({target}, {origin}) cannot be loaded: {reason}. {remedy}')


class NotAHabitatError(UsageError):
    """What a habitat's name leads to is no container."""

    def __init__(self, *, name: str, target: str, found: str) -> None:
        self.name = name
        self.target = target
        self.found = found
        super().__init__(
            f'Habitat "{name}" leads to {target}, which {found}. '
            "It must be a subclass of PipelineComponents, or a callable without parameters that returns one."
        )


class InvalidPipelineError(UsageError):
    """A pipeline is wrongly defined; every problem that was found is in one report."""

    def __init__(self, *, habitat: str, problems: Sequence[Problem]) -> None:
        self.habitat = habitat
        self.problems = tuple(problems)
        shown = "".join(f"\n  {problem}" for problem in self.problems[:100])
        more = f"\n  and {len(self.problems) - 100} more" if len(self.problems) > 100 else ""  # noqa: PLR2004
        count = "a problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f'Pipeline "{habitat}" has {count}:{shown}{more}')


class InvalidExecutableError(UsageError):
    """What a node was given is no provider of a body."""

    def __init__(self, *, node: str, provider: str, reason: str) -> None:
        self.node = node
        self.provider = provider
        self.reason = reason
        super().__init__(f'Node "{node}" cannot take its body from {provider}: {reason}')


class InvalidInclusionError(UsageError):
    """What a pipeline includes is no habitat, or includes the pipeline itself."""

    def __init__(self, *, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f'"{path}" cannot be included: {reason}')


class InvalidBodyError(UsageError):
    """A callable cannot be the body of a node."""

    def __init__(self, *, body: str, reasons: Sequence[str]) -> None:
        self.body = body
        self.reasons = tuple(reasons)
        super().__init__(f"{body} cannot be the body of a node. {' '.join(reasons)}")


class NotYetRunError(UsageError, TypeError):
    """The result of a node is used as a value while the pipeline is being defined."""

    def __init__(self, *, subject: str, reason: str) -> None:
        self.subject = subject
        self.reason = reason
        super().__init__(f"{subject} {reason}: a pipeline is being defined. Pass it to a node, which gets its value.")


class PipelineBuiltError(UsageError):
    """A pipeline is changed although its plan is made."""

    def __init__(self, *, habitat: str) -> None:
        self.habitat = habitat
        super().__init__(f'Pipeline "{habitat}" is built and cannot change any more. Add to it inside define().')


class InvalidFirstPartyError(UsageError):
    """A container declares first-party code that cannot be proven."""

    def __init__(self, *, container: str, package: str, rule: str) -> None:
        self.container = container
        self.package = package
        self.rule = rule
        super().__init__(
            f"{container} declares first_party, but {package} {rule}. "
            'Name importable packages of Python sources: first_party = ("my_library",).'
        )


class InvalidPackageDataError(UsageError):
    """A container declares package data that cannot be proven."""

    def __init__(self, *, container: str, pattern: str, rule: str) -> None:
        self.container = container
        self.pattern = pattern
        self.rule = rule
        super().__init__(
            f"{container} declares package_data, but {pattern} {rule}. "
            'Name files below an importable package: package_data = ("my_library:prompts/*.txt",).'
        )


class UnknownStoreError(UsageError):
    """A URL names no store that can be opened."""

    def __init__(self, *, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(f"{url[:200]!r} is no store: {reason}. Known: file:///folder, /folder, memory:")


class InvalidStoreKeyError(UsageError):
    """A text is no key of an artifact store."""

    def __init__(self, *, key: str) -> None:
        self.key = key
        super().__init__(
            f"{key[:80]!r} is no key of a store. "
            'A key is segments of 1 to 128 of a-z 0-9 . _ - joined by "/"; none of them is "." or "..".'
        )


class SessionBusyError(UsageError):
    """A session has a driver already."""

    def __init__(self, *, session_id: str, holder: str) -> None:
        self.session_id = session_id
        self.holder = holder
        super().__init__(f"Session {session_id} is being driven by {holder}. Wait until that has ended, or stop it.")


class UnknownSerializerError(UsageError):
    """No serializer of that name may be used here."""

    def __init__(self, *, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(
            f"No serializer {name!r}. {known_names(name, known)} "
            "One of another distribution is used only where the settings name it (serializers)."
        )


class SerializerPluginError(UsageError):
    """A serializer of another distribution cannot be used."""

    def __init__(self, *, name: str, distribution: str, reason: str) -> None:
        self.name = name
        self.distribution = distribution
        self.reason = reason
        super().__init__(f"Serializer {name!r} of {distribution} cannot be used: {reason}. Repair or upgrade that.")


class MissingLibraryError(UsageError):
    """A library that a serializer or an engine needs is not installed here."""

    def __init__(self, *, library: str, extra: str) -> None:
        self.library = library
        self.extra = extra
        super().__init__(f"{library} is not installed here. Install it: pip install 'oneml-habitats[{extra}]'")


class PickleRefusedError(UsageError):
    """Something is pickled, or would have to be, and the settings do not allow that."""

    def __init__(self, *, what: str) -> None:
        self.what = what
        super().__init__(
            f"{what} is pickled, and unpickling runs whatever code the bytes ask for. "
            "Set allow_pickle in the settings of the driver if you trust all who write to this store."
        )


class SerializationError(RunError):
    """What a body returned, or an input of a pipeline, cannot be published.

    Attributes:
        node: The node; empty for an input of the pipeline.
        port: The port, or the name of the input.
        reason: What is wrong.
        remedy: What to do.
    """

    def __init__(self, *, node: str, port: str, reason: str, remedy: str) -> None:
        self.node = node
        self.port = port
        self.reason = reason
        self.remedy = remedy
        subject = f'{node} cannot publish port "{port}"' if node else f'Input "{port}" cannot be stored'
        super().__init__(f"{subject}: {reason}. {remedy}")


class OutputTooLargeError(RunError):
    """An output of a node is larger than its settings allow; nothing of it was stored.

    Attributes:
        node: The node.
        port: The port.
        written_bytes: What was written of it when the limit was found to be passed; all of it may be more.
        limit_bytes: The setting ``output_max_bytes``.
    """

    def __init__(self, *, node: str, port: str, written_bytes: int, limit_bytes: int) -> None:
        self.node = node
        self.port = port
        self.written_bytes = written_bytes
        self.limit_bytes = limit_bytes
        super().__init__(
            f'{node} publishes at least {written_bytes:,} bytes on port "{port}", and output_max_bytes allows '
            f"{limit_bytes:,}. Publish less, or allow more: --set '{node}:output_max_bytes={written_bytes * 2}'"
        )


class DeserializationError(RunError):
    """A published value cannot be read in the form that is wanted."""

    def __init__(self, *, what: str, serializer: str, reason: str) -> None:
        self.what = what
        self.serializer = serializer
        self.reason = reason
        super().__init__(f"{what} cannot be read ({serializer}): {reason}")


class StoreError(BackendError):
    """A store failed, or something lies in it that cannot be there.

    Attributes:
        place: The file, folder or URL.
        reason: What happened.
        remedy: What to do.
        what: What was wanted from there, as far as it is known: ``input "x" of //b, from //a.output``.
    """

    def __init__(self, *, place: str, reason: str, remedy: str, what: str = "") -> None:
        self.place = place
        self.reason = reason
        self.remedy = remedy
        self.what = what
        super().__init__(f"{what}{what and ': '}{place}: {reason}. {remedy}")

    def about(self, what: str) -> "StoreError":
        """Return the same error, saying what was wanted."""
        return type(self)(place=self.place, reason=self.reason, remedy=self.remedy, what=what)


class CorruptArtifactError(StoreError):
    """An artifact is not what was stored; it was not decoded."""


class InvalidSettingsModelError(UsageError):
    """A class cannot declare the settings of a package."""

    def __init__(self, *, model: str, reason: str, remedy: str) -> None:
        self.model = model
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{model} cannot declare settings: {reason}. {remedy}")


class SettingsError(UsageError):
    """Settings that were given are wrong; every problem that was found is in one report."""

    def __init__(self, *, problems: Sequence[SettingProblem]) -> None:
        self.problems = tuple(problems)
        several = len(self.problems) > 1
        shown = "".join(f"\n  {problem}" for problem in self.problems[:100])
        more = f"\n  and {len(self.problems) - 100} more" if len(self.problems) > 100 else ""  # noqa: PLR2004
        super().__init__(f"{len(self.problems)} settings are wrong:{shown}{more}" if several else shown.strip())


class UnknownSettingError(SettingsError):
    """A settings model has no setting of that name."""

    def __init__(
        self,
        *,
        model: str,
        name: str,
        unknown: str,
        known: Collection[str],
        reserved: Collection[str] = (),
        source: str = "",
    ) -> None:
        self.model = model
        self.name = name
        self.unknown = unknown
        self.known = tuple(sorted(known))
        message = f'No setting "{name[:200]}" in {model}. {known_names(unknown, self.known, last=reserved)}'
        super().__init__(problems=(SettingProblem(name, message, source),))


class MisspeltSettingError(UnknownSettingError, AttributeError):  # type: ignore[misc]  # both have a name: it is the same
    """A container reads a setting that its model does not have."""


class UnknownVariableError(SettingsError):
    """A variable has the prefix of settings, but no setting is read from it."""

    def __init__(
        self, *, variable: str, model: str, known: Collection[str], hint: str, remedy: str, source: str = ""
    ) -> None:
        self.variable = variable
        self.model = model
        self.known = tuple(sorted(known))
        shown = hint or known_names(variable.upper(), self.known)
        message = f"No setting of {model} is read from {variable[:200]}. {shown}{remedy and ' '}{remedy}"
        super().__init__(problems=(SettingProblem(variable, message, source),))


def _sentence(text: str) -> str:
    """Return a text with the end of a sentence, unless it has one."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _missing_secrets(missing: Sequence[tuple[str, str, str]]) -> str:
    return "\n".join(f'Secret "{setting}" ({reference}): {reason}.' for setting, reference, reason in missing)


class SecretUnavailableError(UsageError):
    """References to secrets lead to nothing on the driver.

    Attributes:
        missing: Setting, reference and reason of each; never a value.
    """

    def __init__(self, *, missing: Sequence[tuple[str, str, str]]) -> None:
        self.missing = tuple(missing)
        super().__init__(_missing_secrets(missing))


class SecretRefusedError(RefusalError):
    """References to secrets lead to nothing where a session that was created elsewhere shall run.

    Attributes:
        missing: Setting, reference and reason of each; never a value.
    """

    def __init__(self, *, missing: Sequence[tuple[str, str, str]]) -> None:
        self.missing = tuple(missing)
        super().__init__(
            f"{_missing_secrets(missing)}\nRefused: the session was created with it, and has to find it here too."
        )


class SettingsModelChangedError(RefusalError):
    """The settings of a recipe do not fit the model that is installed here."""

    def __init__(self, *, model: str, reason: str) -> None:
        self.model = model
        self.reason = reason
        super().__init__(
            f"The recipe's settings do not fit {model} as it is installed here: {reason}. "
            "Install here what the driver had, or create the session anew."
        )


class UnsupportedPlatformError(UsageError):
    """This operating system cannot be used."""

    def __init__(self) -> None:
        super().__init__(
            "oneml-habitats runs on Linux and macOS, not on Windows. "
            "Use the Windows Subsystem for Linux, or a container."
        )


class InvalidComponentsError(UsageError):
    """A container is wrongly declared; every problem that was found is in one report."""

    def __init__(self, *, container: str, problems: Sequence[Problem]) -> None:
        self.container = container
        self.problems = tuple(problems)
        shown = "".join(f"\n  {problem}" for problem in self.problems[:100])
        more = f"\n  and {len(self.problems) - 100} more" if len(self.problems) > 100 else ""  # noqa: PLR2004
        count = "a problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{container} has {count}:{shown}{more}")


class InvalidOverrideError(UsageError):
    """A container is opened with replacements that do not fit it; none of them was made."""

    def __init__(self, *, container: str, reasons: Sequence[str]) -> None:
        self.container = container
        self.reasons = tuple(reasons)
        super().__init__(f"{container} cannot be opened with these overrides. {' '.join(reasons)}")


class OverrideInForceError(UsageError):
    """A container is opened while the library's own override stands on its class, for everybody."""

    def __init__(self, *, container: str, providers: Sequence[str]) -> None:
        self.container = container
        self.providers = tuple(providers)
        names = ", ".join(f'"{name}"' for name in providers)
        super().__init__(
            f"{container} cannot be opened: {names} of the class is overridden for everybody. "
            f"Undo it ({container}.{providers[0]}.reset_override()), and give "
            f"replace({container}.{providers[0]}, ...) to open() instead."
        )


class LeftBehindError(UsageError):
    """A test left something behind that others would have met.

    Args:
        left: What, each with what became of it, and what to do instead.
        test: The test, where the message would not stand beside its name.
    """

    def __init__(self, *, left: Sequence[str], test: str = "The test") -> None:
        self.left = left
        self.test = test
        super().__init__(f"{test} left behind:\n" + "\n".join(f"  {one}" for one in left))


class UnknownProviderError(UsageError):
    """A container has no provider of that name."""

    def __init__(self, *, container: str, name: str, known: Collection[str]) -> None:
        self.container = container
        self.name = name
        self.known = tuple(sorted(known))
        super().__init__(f'No provider "{name[:200]}" in {container}. {known_names(name, self.known)}')


class NotOpenedError(UsageError):
    """A provider of the class is called, but only those of an opened container build."""

    def __init__(self, *, subject: str, container: str = "") -> None:
        self.subject = subject
        self.container = container
        opens = f"with {container or 'Container'}.open() as components: components.name()"
        includes = (
            f' Other pipelines include it by its class: pipeline.include("name", {container})' if container else ""
        )
        super().__init__(f"{subject} builds in an opened container only: {opens}{'.' * bool(includes)}{includes}")


class ClosedScopeError(UsageError):
    """Something is asked of a session or a node whose scope has been closed."""

    def __init__(self, *, scope: str) -> None:
        self.scope = scope
        super().__init__(f"{scope} is closed, and so is what it built. Open another one.")


class OutsideNodeError(UsageError):
    """Something that belongs to a node is asked for outside one."""

    def __init__(self, *, subject: str) -> None:
        self.subject = subject
        super().__init__(
            f'{subject} belongs to a node, and none is open here. with components.node("//path") as node: node.name()'
        )


class BuiltInDefineError(UsageError):
    """``define`` builds an object although it only defines."""

    def __init__(self, *, provider: str) -> None:
        self.provider = provider
        super().__init__(f'define() may not build "{provider}". Pass the provider, self.{provider}, without ().')


class UnbuildableError(UsageError):
    """A provider cannot build now."""

    def __init__(self, *, provider: str, reason: str) -> None:
        self.provider = provider
        self.reason = reason
        super().__init__(f'"{provider}" cannot be built: {reason}')


class UninstalledReferenceError(UsageError):
    """A reference is built where the package that it names is not installed."""

    def __init__(self, *, provider: str, target: str, image: str | None) -> None:
        self.provider = provider
        self.target = target
        self.image = image
        remedy = (
            f"it belongs to image {image}"
            if image is not None
            else "install its package, or let the node run in an image that has it (image)"
        )
        super().__init__(f'"{provider}" is {target}, which is not installed here; {remedy}')


class ReferenceMismatchError(UsageError):
    """What a reference names does not fit its contract, its arguments, or is not there at all."""

    def __init__(self, *, provider: str, target: str, reasons: Sequence[str]) -> None:
        self.provider = provider
        self.target = target
        self.reasons = tuple(reasons)
        super().__init__(f'"{provider}" is {target}, but {" ".join(reasons)}')


class EnginePluginError(UsageError):
    """An engine of another distribution cannot be used."""

    def __init__(self, *, name: str, distribution: str, reason: str) -> None:
        self.name = name
        self.distribution = distribution
        self.reason = reason
        super().__init__(f"Engine {name!r} of {distribution} cannot be used: {reason}. Repair or upgrade that.")


class UnknownEngineError(UsageError):
    """There is no engine of that name."""

    def __init__(self, *, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = known
        super().__init__(f'No engine "{name}". {known_names(name, known)}')


class NotAnEngineError(UsageError):
    """What is given as an engine is none."""

    def __init__(self, *, given: str, reason: str) -> None:
        self.given = given
        self.reason = reason
        super().__init__(f"{given} is no engine: {reason}. Give the name of one, or an object such as DaskEngine().")


class EngineError(BackendError):
    """An engine cannot start, or failed."""

    def __init__(self, *, engine: str, reason: str) -> None:
        self.engine = engine
        self.reason = reason
        super().__init__(f'Engine "{engine}" failed: {_sentence(reason)}')


class UnknownNodeError(UsageError):
    """A session has no such node.

    Args:
        node: The path that was asked for.
        known: Paths that there are, in the order of the plan.
    """

    def __init__(self, *, node: str, known: Sequence[str]) -> None:
        self.node = node
        self.known = known
        super().__init__(_space_of(node, known) or f'There is no node "{node}". {known_names(node, known)}')


class NotSelectedError(UnknownNodeError):
    """A session has only a part of its pipeline, and no such node."""

    def __init__(self, *, node: str, known: Sequence[str], selection: str) -> None:
        super().__init__(node=node, known=known)
        self.selection = selection
        what = f'There is no node "{node}" in this session, which has only {selection} of its pipeline.'
        self.args = (_space_of(node, known) or f"{what} {known_names(node, known)}",)


def _space_of(path: str, nodes: Sequence[str]) -> str:
    """Say that a path is a fan-out or a namespace, where nodes are in it; empty where none is."""
    inside = [node for node in nodes if node.startswith(f"{path}/")]
    if not inside:
        return ""
    is_fan_out = all(node.removeprefix(f"{path}/").isdecimal() for node in inside)
    kind, part = ("fan-out", "a member") if is_fan_out else ("namespace", "a node of it")
    named = inside[0] if len(inside) == 1 else f"{inside[0]} ... {inside[-1]}"
    return f'"{path}" is a {kind}: name {part}, {named}.'


class InvalidSelectionError(UsageError):
    """What was asked for is no part of a pipeline that can be run.

    Attributes:
        selection: What was asked for, as a command line gives it.
        reason: What is wrong with it, and what to do.
    """

    def __init__(self, *, selection: str, reason: str) -> None:
        self.selection = selection
        self.reason = reason
        super().__init__(f"{selection} cannot be run: {reason}.")


class NoParentError(UsageError):
    """No session has the outputs that a part of a pipeline needs.

    Attributes:
        habitat: Of which pipeline.
        needed: Nodes whose outputs are needed.
        starts: Where to start so that none of them is needed.
        parent: The session that was named.
        reason: What is wrong with that one.
    """

    def __init__(
        self, *, habitat: str, needed: Sequence[str], starts: Sequence[str], parent: str | None = None, reason: str = ""
    ) -> None:
        self.habitat = habitat
        self.needed = tuple(needed)
        self.starts = tuple(starts)
        self.parent = parent
        self.reason = reason
        who = f'no session of "{habitat}" has them all' if parent is None else f"session {parent} {reason}"
        remedy = f"Run the whole of it first: oneml run-pipeline {habitat}; or start earlier ({_options_from(starts)})."
        super().__init__(f"The outputs of {', '.join(needed)} are needed, and {who}. {remedy}")


def _options_from(starts: Sequence[str]) -> str:
    return " ".join(f"--from {start}" for start in starts)


class UnknownPortError(UsageError):
    """A node has no such output."""

    def __init__(self, *, node: str, port: str, known: Sequence[str]) -> None:
        self.node = node
        self.port = port
        self.known = known
        super().__init__(f'Node "{node}" has no output "{port}". {known_names(port, known)}')


class DiagramTooLargeError(UsageError):
    """A diagram has too many boxes for a picture."""

    def __init__(self, *, boxes: int, most: int) -> None:
        self.boxes = boxes
        self.most = most
        super().__init__(
            f"The picture would have {boxes} boxes, and {most} are the most that are laid out. Fold namespaces "
            "(--depth 1) and fan-outs (without --expand), or write json, dot or mermaid, which lay nothing out."
        )


class UnknownSessionError(UsageError):
    """There is no such session in this store.

    Attributes:
        session_id: The session.
        store: URL of the store.
        recipe_lost: Whether other documents of it are there, without the recipe.
        fitting: Ids that start with what was given, which is too short to choose one.
    """

    def __init__(
        self,
        *,
        session_id: str,
        store: str,
        recipe_lost: bool = False,
        fitting: Sequence[str] = (),
        prefix_min_characters: int = 0,
    ) -> None:
        self.session_id = session_id
        self.store = store
        self.recipe_lost = recipe_lost
        self.fitting = tuple(fitting)
        hint = f"Ids start so: give at least {prefix_min_characters} characters of one. " if fitting else ""
        super().__init__(
            f'The recipe of session "{session_id}" is gone from {store}, so nothing of it can be read or run. '
            f"`oneml sessions rm {session_id}` removes the rest."
            if recipe_lost
            else f'There is no session "{session_id}" in {store}. {hint}'
            "`oneml sessions list` shows those that there are; ONEML_STORE_URL chooses another store."
        )


class AmbiguousSessionError(UsageError):
    """Several session ids start with what was given."""

    def __init__(self, *, prefix: str, fitting: Sequence[str]) -> None:
        self.prefix = prefix
        self.fitting = fitting
        more = f" and {len(fitting) - 5} more" if len(fitting) > 5 else ""  # noqa: PLR2004  # as are shown
        shown = ", ".join(sorted(fitting)[:5])
        super().__init__(f'"{prefix}" starts several session ids: {shown}{more}. Give more of it.')


class SessionExistsError(UsageError):
    """The id of a new session is used already."""

    def __init__(self, *, session_id: str) -> None:
        self.session_id = session_id
        super().__init__(
            f'There is a session "{session_id}" already. Choose another id, '
            f"or go on with that one: `oneml sessions run {session_id}`."
        )


class InvalidInputsError(UsageError):
    """Inputs of a pipeline are unknown, missing or not of their type."""

    def __init__(self, *, habitat: str, problems: Sequence[str]) -> None:
        self.habitat = habitat
        self.problems = problems
        super().__init__(f'The inputs of "{habitat}" do not fit:\n' + "\n".join(f"  {problem}" for problem in problems))


class InputsMissingError(UsageError):
    """A node was to run before the nodes that it needs."""

    def __init__(self, *, node: str, missing: Sequence[str]) -> None:
        self.node = node
        self.missing = missing
        super().__init__(
            f"{node} cannot run yet: {', '.join(missing)} {'has' if len(missing) == 1 else 'have'} published nothing. "
            "Run what is missing first, or the whole session with `oneml sessions run`."
        )


class InMemoryNodeError(UsageError):
    """The outputs of a node would stay in the memory of a worker."""

    def __init__(self, *, node: str) -> None:
        self.node = node
        super().__init__(
            f'{node} keeps its outputs in memory (store = "memory:"), so a worker would lose them. '
            "Run the whole session in one process, or create it without that setting."
        )


class RecipeTooLargeError(UsageError):
    """Settings, inputs and overrides of a session do not fit into the header of a recipe."""

    def __init__(self, *, size_bytes: int, limit_bytes: int, included: int = 0) -> None:
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
        self.included = included
        fewer = f" It holds the settings of {included} included habitats: include fewer." if included else ""
        super().__init__(
            f"The header of the recipe has {size_bytes} bytes; at most {limit_bytes} are allowed. "
            f"Give large values as inputs of the pipeline from files, not as settings.{fewer}"
        )


class NoSessionError(UsageError):
    """Nothing is executing here."""

    def __init__(self) -> None:
        super().__init__(
            "No session is executing here. PipelineSessionContext.current() is for code that a node runs; "
            "PipelineSessionContext.get() gives None elsewhere."
        )


class NoOutputError(RunError):
    """A node has published nothing."""

    def __init__(self, *, node: str, reason: str) -> None:
        self.node = node
        self.reason = reason
        super().__init__(f"{node} has no output: {_sentence(reason)}")


class SessionFailedError(RunError):
    """A session has not succeeded."""

    def __init__(self, *, session_id: str, state: str, failures: Sequence[str]) -> None:
        self.session_id = session_id
        self.state = state
        self.failures = tuple(failures)
        shown = "".join(f"\n  {failure}" for failure in failures[:_FAILURES_SHOWN])
        more = len(failures) - _FAILURES_SHOWN
        rest = f"\n  and {more} more" if more > 0 else ""
        super().__init__(f"Session {session_id} {state}.{shown}{rest}\nSee more: oneml sessions show {session_id}")


class PublishedTwiceError(RunError):
    """A body publishes something under a name that it has used already."""

    def __init__(self, *, node: str, what: str) -> None:
        self.node = node
        self.what = what
        super().__init__(f"{node} publishes {what} twice. Publish it once, or under another name.")


class WrongResultError(RunError):
    """A body returned something else than its annotation promises."""

    def __init__(self, *, node: str, promised: str, got: str) -> None:
        self.node = node
        self.promised = promised
        self.got = got
        super().__init__(f"{node} promised {promised}, but returned {got}. Correct the body or its return annotation.")


class DriftError(RefusalError):
    """What is here is not what the session was created with.

    The first line of the message says it all in short, for logs; below it the first difference is drawn.

    Args:
        session_id: The session.
        node: The node that was to run; None where none was named.
        drifts: Every difference, most telling first, each with what was recorded, what is here, and where.
    """

    def __init__(self, *, session_id: str, node: str | None = None, drifts: Sequence[Drift]) -> None:
        self.session_id = session_id
        self.node = node
        self.drifts = tuple(drifts)
        what = f"Session {session_id}" if node is None else f"{node} of session {session_id}"
        first, *others = self.drifts
        lines = [f"{what} is refused: {drift_subject(first)} is not what was recorded.", *drift_lines(first)]
        lines.append("Restore what was recorded, or create a new session with what is here.")
        if others:
            named = "; ".join(drift_subject(drift) for drift in others[:_DRIFTS_NAMED])
            hidden = len(others) - _DRIFTS_NAMED
            more = f" and {hidden} more" if hidden > 0 else ""
            lines.append(f"{len(others)} more {'differs' if len(others) == 1 else 'differ'}: {named}{more}.")
        super().__init__("\n".join(lines))


def drift_subject(drift: Drift) -> str:
    """Return what differs, on one line: ``provider train, argument iterations``."""
    return f"{drift.kind} {drift.subject}" + (f", {drift.field}" if drift.field else "")


def drift_lines(drift: Drift, sides: tuple[str, str] = ("recorded", "here")) -> Sequence[str]:
    """Return the two sides of a difference, and what to do about it, in indented lines."""
    values = ["absent" if value is None else _shortened(value) for value in (drift.expected, drift.found)]
    sources = (drift.expected_source, drift.found_source)
    name, width = max(map(len, sides)), max(map(len, values))
    lines: list[str] = []
    for side, value, source in zip(sides, values, sources, strict=True):
        if width <= _BESIDE_CHARACTERS:
            lines.append(f"  {side:<{name}}  {value:<{width}}  {source}".rstrip())
        else:
            lines.extend([f"  {side:<{name}}  {value}", *([f"  {'':<{name}}  {source}"] if source else [])])
    return [*lines, *([f"  {drift.remedy}"] if drift.remedy else [])]


def _shortened(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= _VALUE_CHARACTERS else f"{line[: _VALUE_CHARACTERS - 3]}..."


class HabitatMissingError(RefusalError):
    """The distribution that offers the habitat of a session is not installed here."""

    def __init__(self, *, habitat: str, distribution: str, version: str, others: Sequence[str] = ()) -> None:
        self.habitat = habitat
        self.distribution = distribution
        self.version = version
        self.others = tuple(others)
        here = f"is offered by {' and '.join(others)} here" if others else "is not installed here"
        super().__init__(
            f'Habitat "{habitat}" {here}; the session was created with {distribution} {version}. '
            f"Install {distribution}=={version} in the environment of this worker."
        )


class HabitatMismatchError(RefusalError):
    """A worker was told another habitat than that of the session."""

    def __init__(self, *, session_id: str, expected: str, found: str) -> None:
        self.session_id = session_id
        self.expected = expected
        self.found = found
        super().__init__(
            f'Session {session_id} is one of habitat "{expected}", not of "{found}". '
            f"Set ONEML_HABITATS_PIPELINE={expected}, or name another session."
        )


class LiveOverridesError(RefusalError):
    """Providers of a session were replaced by objects that only the process which created it has."""

    def __init__(self, *, session_id: str, providers: Sequence[str]) -> None:
        self.session_id = session_id
        self.providers = providers
        names = ", ".join(f'"{name}"' for name in providers)
        super().__init__(
            f"Session {session_id} can only run in the process that created it: {names} "
            f"{'is' if len(providers) == 1 else 'are'} replaced by live objects. "
            "Use replace(..., factory=Class), or provider=Reference(...)."
        )


class OverrideRefusedError(RefusalError):
    """What replaces a provider of a session cannot be rebuilt here.

    Attributes:
        container: Name of the class.
        provider: Dotted name of the provider that is replaced.
        reason: What is in the way.
    """

    def __init__(self, *, container: str, provider: str, reason: str) -> None:
        self.container = container
        self.provider = provider
        self.reason = reason
        super().__init__(
            f'What replaces "{provider}" of {container} cannot be rebuilt here: {reason}. '
            "Let this process import what the one imported that created the session, or create the session anew."
        )


class RecipeAlteredError(RefusalError):
    """A document of a recipe is not what the header says."""

    def __init__(self, *, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(
            f"The {what} cannot be trusted: {reason}. Create the session anew, or restore the artifact store."
        )


class ParentRefusedError(RefusalError):
    """What a session would take over from its parent is not what it would compute itself.

    Attributes:
        parent: The parent.
        nodes: Why the outputs of a node cannot be taken over, by node.
        starts: Where to start so that none of them is taken over.
        drifts: What differs between the parent and what is here.
    """

    def __init__(
        self, *, parent: str, nodes: Mapping[str, str], starts: Sequence[str], drifts: Sequence[Drift] = ()
    ) -> None:
        self.parent = parent
        self.nodes = dict(nodes)
        self.starts = tuple(starts)
        self.drifts = tuple(drifts)
        lines = ["Outputs of its parent cannot be taken over:"]
        lines.extend(f"  {node} {reason}" for node, reason in list(self.nodes.items())[:_FAILURES_SHOWN])
        lines.append(f"What differs from session {parent}:" if drifts else f"See: oneml sessions show {parent}")
        for drift in self.drifts[:_DRIFTS_NAMED]:
            lines.append(f"  {drift_subject(drift)}")
            lines.extend(f"  {line}" for line in drift_lines(drift, ("parent", "here")))
        lines.append(
            f"Start earlier ({_options_from(starts)}), restore what differs, "
            "or name another session that has them (--parent)."
        )
        super().__init__("\n".join(lines))


class FixedSettingError(UsageError):
    """A setting cannot change while a session lives."""

    def __init__(self, *, model: str, name: str, fixed: Collection[str]) -> None:
        self.model = model
        self.name = name
        self.fixed = tuple(sorted(fixed))
        super().__init__(
            f'"{name}" of {model} is fixed when a session is created, as are '
            f"{', '.join(one for one in self.fixed if one != name)}. Create a new session with it."
        )


class SignatureRefusedError(RefusalError):
    """A key is configured here, and a document is not signed by it."""

    def __init__(self, *, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(
            f"The {what} is refused: {reason}, and ONEML_SIGNING_KEY or signing_key is configured here. "
            "Give the same key to whoever creates sessions and whoever runs their nodes, then create a new session."
        )


class SigningKeyMissingError(RefusalError):
    """A session is signed, and nothing can be signed for it here."""

    def __init__(self, *, session_id: str) -> None:
        self.session_id = session_id
        super().__init__(
            f"Session {session_id} is signed, and no signing key is configured here: whoever has the key would refuse "
            "an unsigned revision. Give the key here, by ONEML_SIGNING_KEY or signing_key."
        )


class UnprovenError(RefusalError):
    """Something that a node is built from exists only in the process that created the session."""

    def __init__(self, *, session_id: str, node: str | None, reasons: Sequence[str]) -> None:
        self.session_id = session_id
        self.node = node
        self.reasons = tuple(reasons)
        what = f"Session {session_id}" if node is None else f"{node} of session {session_id}"
        listed = "\n".join(f"  {reason}" for reason in reasons[:_DIFFERENCES_SHOWN])
        super().__init__(
            f"{what} cannot be proven the same in another process:\n{listed}\n"
            'Change that, run the session in the process that creates it, or set verification.mode = "warn".'
        )


class DefinitionFailedError(UsageError):
    """The author's ``define`` raised something; that is the cause."""

    def __init__(self, *, habitat: str, reason: str) -> None:
        self.habitat = habitat
        self.reason = reason
        super().__init__(f'Pipeline "{habitat}" cannot be defined: define() raised {reason}. Correct it there.')
