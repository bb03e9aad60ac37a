"""Every error of the package.

    OnemlError                          never raised itself
    ├── UsageError              exit 2  usage, settings, unknown name, invalid pipeline
    │   ├── InvalidHabitatNameError
    │   ├── UnknownHabitatError
    │   ├── DuplicateHabitatError
    │   ├── BrokenHabitatError
    │   ├── NotAHabitatError
    │   ├── NotRebuildableError
    │   ├── InvalidFirstPartyError
    │   ├── InvalidPipelineError
    │   ├── InvalidExecutableError
    │   ├── InvalidBodyError
    │   ├── NotYetRunError
    │   ├── PipelineBuiltError
    │   ├── InvalidNodePathError
    │   ├── InvalidSessionIdError
    │   └── InvalidDocumentError
    ├── RunError                exit 1  the pipeline or a node failed
    ├── RefusalError            exit 3  a worker is not what the recipe says
    └── BackendError            exit 4  an engine or a store failed

A message says what is wrong, what is known, and what to do next.
"""

from collections.abc import Sequence
from typing import ClassVar

from oneml.habitats.values.problem import Problem
from oneml.habitats.values.suggestions import known_names


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
    """A text is no node path, or no segment of one."""

    def __init__(self, *, path: str, rule: str) -> None:
        self.path = path
        super().__init__(f"{path[:80]!r} is not a node path. {rule}")


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
        hint = known_names(name, known) if known else "None is installed: install a package that offers one."
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


class NotRebuildableError(UsageError):
    """A habitat exists in this process only, so nothing of it can run in another."""

    def __init__(self, *, habitat: str, problem: str) -> None:
        self.habitat = habitat
        self.problem = problem
        super().__init__(
            f'Habitat "{habitat}" cannot leave this process: {problem}. '
            'Move it into an importable module, and register it as "module:Name".'
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
        super().__init__(f"{subject} {reason}: a pipeline is being defined")


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
