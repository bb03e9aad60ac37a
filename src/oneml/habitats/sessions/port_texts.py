"""Published values for a person, on one line, without decoding them."""

from oneml.habitats.values.outcome import PortRecord

SHOWN_MAX_BYTES = 80
_READABLE = frozenset({"json", "text"})


def record_text(record: PortRecord | None) -> str | None:
    """Return a short value as it was written, of any other its hash; None where there is none."""
    if record is None:
        return None
    if record.inline is not None and record.size <= SHOWN_MAX_BYTES and record.serializer in _READABLE:
        return record.inline.decode(errors="replace")
    return f"{record.serializer}, {record.size} bytes, sha256 {record.digest[:12]}"
