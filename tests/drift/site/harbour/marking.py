"""Tells tests that user code of a node ran."""

import os
from pathlib import Path


def mark(what: str) -> None:
    """Leave a file behind, where the variable QUAY_MARKS names a folder."""
    folder = os.environ.get("QUAY_MARKS")
    if folder:
        Path(folder, f"{what}-{os.getpid()}").touch()
