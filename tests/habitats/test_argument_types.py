import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from dependency_injector import providers
from pydantic import BaseModel

from oneml.habitats.habitats.components import PipelineComponents
from oneml.habitats.habitats.settings_views import Settings
from oneml.habitats.settings.models import PipelineSettings

if TYPE_CHECKING:
    from decimal import Decimal


class Train(BaseModel):
    """Settings inside settings."""

    iterations: int = 1


class Digits(PipelineSettings):
    seed: int = 7
    name: str = "digits"
    train: Train = Train()


class Client:
    """Something to be given."""


class FakeClient(Client):
    """A subclass of it."""


class Reads(Protocol):
    """A contract."""

    def read(self) -> str: ...


class Split:
    """Takes arguments of all kinds."""

    def __init__(
        self,
        seed: int,
        client: Client,
        ratio: float = 0.5,
        train: Train | None = None,
        *,
        names: Sequence[str] = (),
        anything: Any = None,
        plain=None,  # type: ignore[no-untyped-def]  # noqa: ANN001
    ) -> None: ...


class Unresolvable:
    """Annotated by what does not exist at run time."""

    def __init__(self, amount: "Decimal", seed: int) -> None: ...


def given() -> FakeClient:
    return FakeClient()


settings = Settings(Digits)
client = providers.Singleton(Client)


def problems(provider: Any) -> list[str]:
    container = type("C", (PipelineComponents,), {"settings": settings, "thing": provider})
    return [problem.message for problem in container.blueprint().type_problems()]


@pytest.mark.parametrize(
    "provider",
    [
        providers.Factory(Split, settings.session.seed, client),
        providers.Factory(Split, 1, providers.Factory(FakeClient), ratio=2, names=providers.List("a")),
        providers.Factory(Split, 1, providers.Callable(given), settings.node.seed, train=settings.node.train),
        providers.Singleton(Split, client=client, seed=settings.process.train.iterations, anything=client.provider),
        providers.Factory(Split, 1, client, plain=object(), anything=settings.session),
        providers.Factory(Split, 1, providers.Selector(lambda: "a", a=client)),
        providers.Factory(Unresolvable, 1, "seed"),
        providers.Factory(dict, a=1),
        providers.Factory(providers.Factory(Split), 1),
    ],
)
def test_what_fits_or_cannot_be_told_passes(provider: Any) -> None:
    assert problems(provider) == []


@pytest.mark.parametrize(
    ("provider", "reason"),
    [
        (
            providers.Factory(Split, settings.session.name, client),
            r'Split takes "seed" as int, and is given settings\.session\.name, which is str\.',
        ),
        (
            providers.Factory(Split, 1, providers.Factory(Train)),
            r'Split takes "client" as Client, and is given thing\[1\], which is Train\.',
        ),
        (providers.Factory(Split, 1, client, "half"), r"""takes "ratio" as float, and is given 'half', which is str"""),
        (providers.Singleton(Split, seed=1, client=settings.node), 'takes "client" as Client, .* which is Digits'),
        (providers.Factory(Split, seed=None, client=client), 'takes "seed" as int, and is given None, which is None'),
    ],
)
def test_what_does_not_fit_is_told_with_both_types(provider: Any, reason: str) -> None:
    (message,) = problems(provider)
    assert re.fullmatch(rf"C\.thing cannot be built: .*{reason}.*", message)
