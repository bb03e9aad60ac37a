"""Which code a habitat is: its container, the first-party modules it can reach, and the distributions beside them."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from oneml.habitats.habitats.module_code import ModuleCode, reached
from oneml.habitats.values.json_value import JsonObject, canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeIdentity:
    """The code of a habitat, so that two processes can compare.

    Attributes:
        habitat: Its name.
        target: ``module:attr`` that the name leads to.
        container: ``module:QualifiedName`` of the container class.
        python: Minor version of the interpreter: ``3.11``.
        distribution: Normalised name of the distribution that offers the habitat; None where code registered it.
        distributions: Versions, by normalised name, of that distribution and of all that it requires.
        first_party: Import packages whose modules count.
        modules: Those modules that imports can reach, by import name.
        package_data: Patterns of files that count beside them: ``pkg:prompts/*.txt``.
        data: SHA-256 of the bytes of each such file, by POSIX path.
        absent: Names that are imported from first-party packages, but have no file.
        unproven: Why no other process can rebuild the container; empty where nothing is in the way.
        places: Where the file of each module lies on this machine; no part of the identity.
        digest: SHA-256 of all that makes this code what it is: what `content` gives.
    """

    habitat: str
    target: str
    container: str
    python: str
    distribution: str | None
    distributions: Mapping[str, str]
    first_party: tuple[str, ...]
    modules: Mapping[str, ModuleCode]
    package_data: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict[str, str])
    absent: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
    digest: str = field(init=False)
    _digests: dict[frozenset[str], str] = field(
        default_factory=dict[frozenset[str], str], init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        """Compute the digest."""
        object.__setattr__(self, "digest", hashlib.sha256(canonical_json(self.content())).hexdigest())

    def content(self) -> JsonObject:
        """Return all that the digest covers.

        The Python and the versions of distributions are compared beside it: a policy may let them differ.
        """
        return {
            "habitat": self.habitat,
            "target": self.target,
            "container": self.container,
            "distribution": self.distribution,
            "first_party": list(self.first_party),
            "modules": {name: [code.path, code.tree] for name, code in self.modules.items()},
            "package_data": list(self.package_data),
            "data": self.data,
            "absent": list(self.absent),
        }

    def digest_of(self, modules: Collection[str]) -> str:
        """Return SHA-256 of the code that imports can reach from some modules, package data included.

        Args:
            modules: Their names; those that are not first party are passed over.
        """
        roots = frozenset(name for name in modules if name in self.modules)
        known = self._digests.get(roots)
        if known is None:
            known = self._digests[roots] = self._digest_of(roots)
        return known

    def _digest_of(self, roots: frozenset[str]) -> str:
        names = reached(self.modules, roots)
        digest = hashlib.sha256(canonical_json([list(self.package_data), self.data]))
        for name in sorted(names):
            code = self.modules.get(name)
            text = f"\n{name}" if code is None else f"\n{name} {code.path} {code.tree}"
            digest.update(text.encode())
        return digest.hexdigest()

    @property
    def version(self) -> str | None:
        """Version of the distribution that offers the habitat."""
        return None if self.distribution is None else self.distributions.get(self.distribution)
