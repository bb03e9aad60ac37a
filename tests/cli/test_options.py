"""What the command line gives to a session: inputs and settings."""

from pathlib import Path

import click
import pytest

from oneml.habitats.cli.options import SessionOptions, command_line_settings, given_inputs, named_habitat
from oneml.habitats.errors import InvalidDocumentError


def options(*inputs: str, **more: object) -> SessionOptions:
    given = {
        "assignments": (),
        "settings_file": None,
        "engine": None,
        "workers": None,
        "isolated": False,
        "inputs": inputs,
        **more,
    }
    return SessionOptions(**given)  # type: ignore[typeddict-item]


def test_inputs_are_json_and_files_are_bytes_unless_they_are_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"x": [1, 2.5, null]}')
    (tmp_path / "b.png").write_bytes(b"\x89PNG\xff")
    given = given_inputs(options("n=3", 't="a=b"', f"j=@{tmp_path / 'a.json'}", f"b=@{tmp_path / 'b.png'}"))
    assert given == {"n": 3, "t": "a=b", "j": {"x": [1, 2.5, None]}, "b": b"\x89PNG\xff"}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["name"], "--input name: write --input PORT=JSON, PORT=@FILE or PORT=session:ID//NODE.PORT."),
        (["=3"], "--input =3: write --input PORT=JSON, PORT=@FILE or PORT=session:ID//NODE.PORT."),
        (["a=1", "a=2"], "--input a: this input is given twice."),
        (["a=world"], "--input a: 'world' is no JSON. A text stands in quotes: --input 'a=\"world\"'."),
        (["a=NaN"], "--input a: 'NaN' is no JSON."),
        (['a={"k": 1, "k": 2}'], "is no JSON."),
        (["a=@/no/such/file"], "--input a: /no/such/file cannot be read: No such file or directory."),
        (["a=session:0197f3c2"], "--input a: write a=session:ID//NODE or a=session:ID//NODE.PORT."),
        (["a=session:0197f3c2//x."], "--input a: write a=session:ID//NODE or a=session:ID//NODE.PORT."),
        (["a=@/"], "--input a: / cannot be read: Is a directory."),
    ],
)
def test_unusable_input_says_how_to_give_one(inputs: list[str], message: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        given_inputs(options(*inputs))
    assert message in caught.value.message


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5_000, '{"a": NaN}', "\udcff"])
def test_hostile_file_of_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InvalidDocumentError, match=r"The file .*a\.json of input a cannot be read: "):
        given_inputs(options(f"a=@{tmp_path / 'a.json'}"))


def test_engine_and_workers_are_settings_that_stand_above_the_others() -> None:
    given = command_line_settings(options(assignments=("engine=x", "a.b=c"), engine="process", workers=2))
    assert given.assignments == ("engine=x", "a.b=c", "engine=process", "workers=2")
    assert command_line_settings(options()).assignments == ()


@pytest.mark.parametrize("habitat", [None, ""])
def test_missing_habitat_says_where_it_can_be_named(habitat: str | None) -> None:
    with pytest.raises(click.UsageError, match=r"Name a habitat, or set ONEML_HABITATS_PIPELINE\. .*: oneml list\."):
        named_habitat(habitat)
