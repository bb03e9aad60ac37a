import importlib
import re
from collections.abc import Callable
from typing import Any, Protocol

import pytest
from dependency_injector import providers

from oneml.habitats.errors import (
    NotOpenedError,
    ReferenceMismatchError,
    UninstalledReferenceError,
)
from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.providers import Reference
from oneml.habitats.habitats.references import ReferenceTarget
from oneml.habitats.habitats.settings_views import Settings
from oneml.habitats.settings.models import PipelineSettings

Opener = Callable[..., Any]


class TrainContract(Protocol):
    """What a trainer does."""

    def __call__(self, table: list[int], c: float = 1.0) -> bytes: ...


class Base:
    """A contract that is a class."""


TRAINER = """
from tests_base import Base

class Trainer(Base):
    def __init__(self, iterations: int, client: object = None) -> None:
        self.iterations, self.client = iterations, client

    def __call__(self, table, c=1.0, verbose=False):
        return repr((table, c, self.iterations)).encode()

class Inner:
    class Deep:
        def __call__(self, **inputs): return b"deep"

class WrongName:
    def __call__(self, tabel, c=1.0): ...

class TooMuch:
    def __call__(self, table, c=1.0, *, extra): ...

class NoCall:
    pass

class CallIsNone:
    __call__ = None

def make(iterations):
    return Trainer(iterations)

number = 3
"""


@pytest.fixture
def train_pkg(site: Any) -> None:
    site.write({"train_pkg/__init__.py": "", "train_pkg/training.py": TRAINER, "tests_base.py": "class Base: pass\n"})
    site.write({"train_pkg/broken.py": "import no_such_dependency\n"})


def container(reference: Any) -> type[PipelineComponents]:
    return type("Training", (PipelineComponents,), {"train": reference, "settings": Settings(PipelineSettings)})


def test_a_reference_imports_only_where_it_is_built(opened: Opener, train_pkg: None) -> None:
    class Training(PipelineComponents):
        client = providers.Singleton(list)
        train = Reference(TrainContract, "train_pkg.training:Trainer", iterations=200, client=client)

    import sys

    training = opened(Training)
    assert "train_pkg" not in sys.modules
    trainer = training.train()
    assert trainer([1], c=2.0) == b"([1], 2.0, 200)"
    assert trainer.client is training.client()
    assert training.train() is not trainer
    assert training.train(iterations=3).iterations == 3


def test_a_reference_finds_nested_classes_and_functions(opened: Opener, train_pkg: None) -> None:
    assert opened(container(Reference(TrainContract, "train_pkg.training:Inner.Deep"))).train()() == b"deep"
    made = opened(container(Reference(TrainContract, "train_pkg.training:make", iterations=1))).train()
    assert made.iterations == 1


def test_building_where_it_is_not_installed_says_so_and_names_the_image(opened: Opener) -> None:
    components = opened(container(Reference(TrainContract, "absent_pkg.training:Trainer")))
    message = '"train" is absent_pkg.training:Trainer, which is not installed here; install its package, or let the'
    with pytest.raises(UninstalledReferenceError, match=message):
        components.train()
    with (
        components.node("//a", settings={"image": "train:1.4"}) as node,
        pytest.raises(UninstalledReferenceError, match=r"it belongs to image train:1\.4$"),
    ):
        node.train()


def test_a_module_that_is_there_but_does_not_import_raises_its_own_error(opened: Opener, train_pkg: None) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        opened(container(Reference(TrainContract, "train_pkg.broken:Trainer"))).train()


def test_a_module_that_fails_where_it_is_asked_is_not_held_against_its_contract(site: Any) -> None:
    site.write({"lazy_pkg.py": "def __getattr__(name): raise ImportError(name)"})
    importlib.import_module("lazy_pkg")
    assert ReferenceTarget("train", TrainContract, "lazy_pkg:Trainer", ()).mismatch() == ()


MISMATCHES = [
    (TrainContract, "Trainr", {"iterations": 1}, r'there is no "Trainr"\. Known: .* Did you mean "Trainer"\?'),
    (
        TrainContract,
        "Trainer",
        {"iteration": 1},
        "its constructor does not fit the arguments: .*It takes iterations: int",
    ),
    (TrainContract, "Trainer", {}, "missing a required argument: 'iterations'"),
    (
        TrainContract,
        "WrongName",
        {},
        r'its __call__\(\) takes no "table", which TrainContract gives\. its __call__\(\) ',
    ),
    (TrainContract, "TooMuch", {}, r'its __call__\(\) needs "extra", which TrainContract does not give'),
    (TrainContract, "NoCall", {}, "it has no __call__, which TrainContract asks for"),
    (TrainContract, "CallIsNone", {}, "its __call__ cannot be called"),
    (TrainContract, "number", {}, "that is neither a class nor a function"),
    (Base, "Trainer", {"iterations": 1}, "it is no subclass of Base"),
]


@pytest.mark.parametrize(("contract", "name", "arguments", "reason"), MISMATCHES)
def test_the_class_is_held_against_contract_and_arguments(
    opened: Opener, train_pkg: None, contract: Any, name: str, arguments: dict[str, object], reason: str
) -> None:
    components = opened(container(Reference(contract, f"train_pkg.training:{name}", **arguments)))
    with pytest.raises(ReferenceMismatchError, match=f'"train" is train_pkg.training:{name}, but .*{reason}'):
        components.train()


@pytest.mark.parametrize("target", ["train_pkg.training", "train_pkg:", "a b:C", ":C", "a.:C", "a:b:c"])
def test_a_target_of_another_form_is_refused_at_import(target: str) -> None:
    with pytest.raises(ReferenceMismatchError, match=re.escape('a target is written "package.module:Name"')):
        Reference(TrainContract, target)


def test_a_reference_of_the_class_does_not_build() -> None:
    with pytest.raises(NotOpenedError, match="A reference to a:B"):
        Reference(TrainContract, "a:B")()
