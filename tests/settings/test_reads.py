"""What providers read, as values: all of it for proofs, and what has an influence on results for reuse."""

import copy
import pickle
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import SettingsConfigDict
from typing_extensions import TypeAliasType, TypedDict

from oneml.habitats.errors import InvalidSettingsModelError, UnknownSettingError
from oneml.habitats.settings.markers import execution_only, part_of_identity
from oneml.habitats.settings.models import PipelineNodeSettings, PipelineSettings
from oneml.habitats.settings.reads import ReuseValues, read_values
from oneml.habitats.settings.shapes import settings_of

if TYPE_CHECKING:
    from conftest import Machine

KEY = b"k" * 32


class Client(BaseModel):
    url: str = "https://x"
    token: SecretStr | None = None
    licence: Annotated[SecretStr, part_of_identity] | None = None


class Train(BaseModel):
    c: tuple[float, ...] = (0.1, 1.0)
    iterations: int = 200
    verbose: Annotated[bool, execution_only] = False


class Reader(PipelineSettings):
    model_config = SettingsConfigDict(env_prefix="READER_")
    seed: int = 7
    log_level: Annotated[str, execution_only] = "info"
    train: Train = Train()
    maybe: Train | None = None
    client: Client = Client()
    logs: Annotated[Client, execution_only] = Client()
    salt: Annotated[SecretStr | None, part_of_identity] = None
    labels: dict[str, str] = Field(default={})


OWN = ("seed", "log_level", "train", "maybe", "client", "logs", "salt", "labels")
NO_INFLUENCE = {
    "engine", "workers", "image", "resources", "retries", "retry_delay_seconds", "timeout_seconds", "on_failure",
    "store", "verification", "reusable", "allow_pickle", "priority", "tags", "unproven", "retry_backoff", "isolated",
    "engines", "output_max_bytes",
}  # fmt: skip


def test_a_field_is_read_as_it_is_and_a_model_as_everything_in_it(machine: "Machine") -> None:
    settings = machine.resolve(Reader, assignments=["train.c=[5]"])
    assert settings.read_values(["seed"]) == {"seed": 7}
    read = settings.read_values(["train", "seed", "train.c"])
    assert read == {"seed": 7, "train.c": [5.0], "train.iterations": 200, "train.verbose": False}
    assert list(read) == sorted(read)
    assert settings.read_values([]) == {}


def test_an_empty_name_reads_every_setting(machine: "Machine") -> None:
    settings = machine.resolve(Reader)
    read = settings.read_values([""])
    assert {name.partition(".")[0] for name in read} == settings_of(Reader).keys()
    assert read == settings.read_values(settings_of(Reader).keys())
    assert read["verification.packages"] == "exact"


def test_a_model_that_is_not_there_is_read_as_none(machine: "Machine") -> None:
    settings = machine.resolve(Reader)
    assert settings.read_values(["maybe", "maybe.c"]) == {"maybe": None, "maybe.c": None}


def test_a_node_is_read_with_its_entries_and_the_process_without_those_of_the_session(machine: "Machine") -> None:
    settings = machine.resolve(Reader, assignments=["seed=1", "//a:seed=2"])
    assert settings.read_values(["seed"], "//a/0") == {"seed": 2}
    assert settings.read_values(["seed"], "//b", {"seed": 3}) == {"seed": 3}
    assert settings.read_values(["seed"]) == {"seed": 1}
    assert settings.process_read_values(["seed"]) == {"seed": 7}


def test_a_secret_is_read_as_its_reference(machine: "Machine") -> None:
    machine.environ |= {"READER_SALT": "canary", "READER_CLIENT__TOKEN": "canary"}
    read = machine.resolve(Reader).read_values(["salt", "client"])
    assert (read["salt"], read["client.token"]) == ("env:READER_SALT", "env:READER_CLIENT__TOKEN")


def test_a_field_that_there_is_not_is_an_error(machine: "Machine") -> None:
    settings = machine.resolve(Reader)
    for field in ("sede", "train.itrations", "seed.more"):
        with pytest.raises(UnknownSettingError):
            settings.read_values([field])
        with pytest.raises(UnknownSettingError):
            settings.reuse_values([field], "//a", {"seed": 1})


def test_nodes_with_the_same_entries_are_read_once(machine: "Machine", monkeypatch: pytest.MonkeyPatch) -> None:
    settings = machine.resolve(Reader, assignments=["//train:seed=2"])
    calls: list[object] = []

    def counted(*arguments: Any) -> Any:
        calls.append(arguments)
        return read_values(*arguments)

    monkeypatch.setattr("oneml.habitats.settings.effective.read_values", counted)
    fields, author = frozenset({"seed", "train"}), {"retries": 1}
    first = settings.read_values(fields, "//train/0", author)
    assert all(settings.read_values(fields, f"//train/{index}", author) is first for index in range(100))
    assert len(calls) == 1
    assert settings.read_values({"seed"}, "//train/0", author) == {"seed": 2}
    assert settings.read_values(fields, "//other", author)["seed"] == 7


def test_reserved_fields_that_only_steer_execution_are_no_part_of_results(machine: "Machine") -> None:
    settings = machine.resolve(Reader, session={"retries": 3})
    names = {name.partition(".")[0] for name in settings.reuse_values([""]).values}
    assert names == settings_of(Reader).keys() - NO_INFLUENCE - {"log_level", "logs"}
    assert {name for name, setting in settings_of(PipelineSettings).items() if setting.execution} == NO_INFLUENCE


def test_what_is_marked_as_execution_is_left_out_with_everything_below_it(machine: "Machine") -> None:
    settings = machine.resolve(Reader)
    found = settings.reuse_values(["log_level", "train", "logs", "logs.url", "resources.cpus"])
    assert found == ReuseValues({"train.c": [0.1, 1.0], "train.iterations": 200}, ())


def test_secrets_count_only_where_marked_and_then_by_digest(machine: "Machine") -> None:
    canaries = {"READER_SALT": "canary-1", "READER_CLIENT__TOKEN": "canary-2", "READER_CLIENT__LICENCE": "canary-3"}
    machine.environ |= canaries
    settings = machine.resolve(Reader)
    found = settings.reuse_values(["salt", "client"], key=KEY)
    assert found.unproven == ()
    assert found.values.keys() == {"salt", "client.url", "client.licence"}
    assert "canary" not in repr(found)
    assert "env:" not in repr(found)
    assert found.values["salt"] != found.values["client.licence"]


def test_a_secret_that_counts_is_unproven_without_a_key(machine: "Machine") -> None:
    machine.environ |= {"READER_SALT": "canary"}
    settings = machine.resolve(Reader)
    assert settings.reuse_values(["salt", "seed"]) == ReuseValues({"seed": 7}, ("salt",))
    assert settings.reuse_values(["client.licence"]) == ReuseValues({"client.licence": None}, ())


def test_the_digest_of_a_secret_follows_the_secret_and_the_key_not_the_reference(machine: "Machine") -> None:
    machine.environ |= {"READER_SALT": "one", "SAME": "one", "OTHER": "two"}

    def digest(*assignments: str, key: bytes = KEY) -> object:
        return machine.resolve(Reader, assignments=assignments).reuse_values(["salt"], key=key).values["salt"]

    assert digest() == digest("salt=env:SAME")
    assert digest() != digest("salt=env:OTHER")
    assert digest() != digest(key=b"q" * 32)


def test_a_secret_of_a_node_counts_there(machine: "Machine") -> None:
    machine.environ |= {"READER_SALT": "one", "OTHER": "two"}
    settings = machine.resolve(Reader, assignments=["//a:salt=env:OTHER"])
    assert settings.reuse_values(["salt"], "//a", key=KEY) != settings.reuse_values(["salt"], key=KEY)
    assert settings.reuse_values(["salt"], "//b", key=KEY) == settings.reuse_values(["salt"], key=KEY)


def test_the_policy_is_set_in_part_and_by_the_session_alone(machine: "Machine") -> None:
    machine.environ["ONEML_SETTINGS__VERIFICATION__PYTHON"] = "compatible"
    policy = machine.resolve(Reader, assignments=["verification.packages=compatible"]).session.verification
    assert (policy.mode, policy.packages, policy.python, policy.rotation) == (
        "strict", "compatible", "compatible", "refuse",
    )  # fmt: skip
    settings = machine.resolve(Reader)
    assert settings.node("//a", PipelineNodeSettings(reusable=False).entries()).reusable is False
    with pytest.raises(Exception, match="verification: is shared by the whole session"):
        settings.node("//a", {"verification": {"mode": "warn"}})


def test_a_marker_for_secrets_at_anything_else_is_refused() -> None:
    with pytest.raises(InvalidSettingsModelError, match='"seed" is marked part_of_identity, but has no secret in it'):

        class Open(PipelineSettings):
            seed: Annotated[int, part_of_identity] = 7

    with pytest.raises(InvalidSettingsModelError, match="but is marked execution_only too"):

        class Both(PipelineSettings):
            token: Annotated[SecretStr | None, part_of_identity, execution_only] = None


def test_markers_stay_themselves_in_copies_and_pickles() -> None:
    for marker in (execution_only, part_of_identity):
        assert copy.deepcopy(marker) is marker
        assert pickle.loads(pickle.dumps(marker)) is marker  # noqa: S301  # our own
        assert repr(marker) == marker.__name__


class Mark(TypedDict):
    name: str
    key: Annotated[SecretStr, part_of_identity]


Marked = TypeAliasType("Marked", Annotated[SecretStr, part_of_identity])


class Deep(PipelineSettings):
    several: list[Annotated[SecretStr, part_of_identity]] = Field(default_factory=list[SecretStr])
    clients: list[Client] = Field(default_factory=list[Client])
    marks: dict[str, Mark] = Field(default_factory=dict[str, Mark])
    alias: tuple[Marked, ...] = ()
    plain: list[SecretStr] = Field(default_factory=list[SecretStr])


def test_a_marker_counts_however_deep_in_the_type_of_a_secret_it_stands() -> None:
    counting = {name for name, setting in settings_of(Deep).items() if setting.identity}
    assert counting == {"several", "clients", "marks", "alias"}


@given(
    st.sets(st.sampled_from(["", "seed", "train", "train.c", "client", "client.url", "logs", "log_level", "labels"]))
)
def test_what_counts_is_a_part_of_what_is_read(fields: set[str]) -> None:
    from oneml.habitats.settings.reads import reuse_values

    tree = Reader().model_dump(mode="json")
    read = read_values(Reader, tree, fields)
    counted = reuse_values(Reader, tree, tree, fields, None).values
    assert counted.items() <= read.items()
    for name in read.keys() - counted.keys():
        first, _, last = name.partition(".")
        assert (
            first in {*NO_INFLUENCE, "logs", "log_level"} or last in {"verbose", "token", "licence"} or name == "salt"
        )
