"""Runs a command where no network is but a loopback interface of its own, and where all that it started ends with it.

As a program, ``loopback_only.py COMMAND...`` brings that interface up and becomes the command; `command` gets there.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1


def command(*words: str) -> Sequence[str]:
    """Return what runs a command in there; whoever is not root needs a machine that lets users have such places."""
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return [
        "unshare",
        *as_root,
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        sys.executable,
        __file__,
        *words,
    ]


def reason_against() -> str | None:
    """Return why this machine has no such place; None where it has."""
    if shutil.which("unshare") is None:
        return "there is no unshare here"
    done = subprocess.run(command(sys.executable, "-c", ""), capture_output=True, text=True, timeout=20, check=False)
    return None if done.returncode == 0 else f"unshare: {done.stderr.strip()[-200:]}"


def main() -> None:
    if [name for _, name in socket.if_nameindex()] != ["lo"]:
        raise SystemExit("this is the network of the host")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = fcntl.ioctl(probe, _GET_FLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", request)[1]
        fcntl.ioctl(probe, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606  # our own arguments


if __name__ == "__main__":
    main()
