"""What every artifact store does with blobs: inline ones, digests that are none, errors."""

import hashlib
import io
import re
from typing import BinaryIO

from oneml.habitats.errors import CorruptArtifactError, StoreError
from oneml.habitats.ports.artifact_store import Blob

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_RESTORE = "Put back what was stored, or run the node again in a new session."


def check_digest(digest: str, place: str) -> None:
    """Check that ``digest`` can be the name of a blob.

    Raises:
        CorruptArtifactError: It is no SHA-256 in hexadecimal.
    """
    if _DIGEST.fullmatch(digest) is None:
        raise corrupt(place, f"{digest[:80]!r} is no SHA-256")


def check_bytes(data: bytes, blob: Blob, place: str) -> BinaryIO:
    """Return the bytes of an artifact as a stream, if they are what was stored.

    Raises:
        CorruptArtifactError: They are not.
    """
    check_size(len(data), blob, place)
    check_hash(hashlib.sha256(data).hexdigest(), blob, place)
    return io.BytesIO(data)


def check_size(size: int, blob: Blob, place: str) -> None:
    """Check the size of what was found.

    Raises:
        CorruptArtifactError: It is another than was stored.
    """
    if size != blob.size:
        raise corrupt(place, f"it has {size} bytes, and {blob.size} were stored")


def check_hash(digest: str, blob: Blob, place: str) -> None:
    """Check the hash of what was found.

    Raises:
        CorruptArtifactError: It is another than that of what was stored.
    """
    if digest != blob.digest:
        raise corrupt(place, f"its SHA-256 is {digest}, and that of what was stored is {blob.digest}")


def corrupt(place: str, reason: str) -> CorruptArtifactError:
    """Return the error for an artifact that is not what was stored."""
    return CorruptArtifactError(place=place, reason=f"is not what was stored: {reason}", remedy=_RESTORE)


def missing(place: str) -> StoreError:
    """Return the error for an artifact that is not there."""
    return StoreError(place=place, reason="there is no such artifact", remedy=_RESTORE)
