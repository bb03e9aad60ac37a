"""Messages between processes: whole however they are cut, and refused where they are none."""

import json
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneml.habitats.engines import frames
from oneml.habitats.engines.frames import FrameReader, frame, read_frame, read_frame_with_fds
from oneml.habitats.errors import InvalidDocumentError

MESSAGES = st.lists(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), st.integers(), max_size=3))


@given(messages=MESSAGES, size=st.integers(1, 40))
def test_messages_come_whole_however_they_are_cut(messages: list[dict[str, int]], size: int) -> None:
    data = b"".join(map(frame, messages))
    reader = FrameReader()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert [message for piece in pieces for message in reader.feed(piece)] == messages


def test_a_message_is_canonical_json_behind_its_length() -> None:
    assert frame({"b": 1, "a": "é"}) == b"\x00\x00\x00\x10" + '{"a":"é","b":1}'.encode()


@pytest.mark.parametrize(
    "data", [b"\x00\x00\x00\x03[1]", b"\x00\x00\x00\x01{", b"\xff\xff\xff\xff", b"\x00\x00\x00\x02\xff\xff"]
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidDocumentError, match="message between processes"):
        list(FrameReader().feed(data))


def test_a_message_that_is_too_long_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "FRAME_MAX_BYTES", 20)
    assert json.loads(frame({"a": "x" * 10})[4:]) == {"a": "x" * 10}
    with pytest.raises(InvalidDocumentError, match="at most 20 travel"):
        frame({"a": "x" * 20})


def test_a_socket_gives_messages_descriptors_and_then_its_end() -> None:
    ours, theirs = socket.socketpair()
    reader, writer = os.pipe()
    with ours, theirs:
        data = frame({"n": 1})
        sent = socket.send_fds(ours, [data], [writer])
        ours.sendall(data[sent:] + frame({"n": 2}))
        ours.close()
        message, (descriptor,) = read_frame_with_fds(theirs)
        os.write(descriptor, b"x")
        assert (message, os.read(reader, 9)) == ({"n": 1}, b"x")
        assert read_frame(theirs) == {"n": 2}
        assert read_frame(theirs) is None
    for one in (reader, writer, descriptor):
        os.close(one)


def test_a_message_that_breaks_off_is_the_end() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(frame({"n": 1})[:-1])
        assert read_frame(theirs) is None
