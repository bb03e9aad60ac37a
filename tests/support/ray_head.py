"""A head of Ray that is started as people do it, with a token, where no network of this machine is."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

PORT = 6379


class RayHead:
    """The head of a cluster, which ends with the place.

    Args:
        folder: Holds the token.
    """

    address = f"127.0.0.1:{PORT}"

    def __init__(self, folder: Path) -> None:
        token = folder / "token"
        token.write_text(secrets.token_hex(32))
        self.variables = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
        }

    def start(self) -> None:
        more = ["--num-cpus", "2", "--include-dashboard", "false", "--disable-usage-stats"]
        self._ray(sys.executable, "start", "--head", "--port", str(PORT), *more)

    def join(self, python: str, *options: str) -> None:
        """Start another machine of the cluster, from an interpreter."""
        self._ray(python, "start", "--address", self.address, "--num-cpus", "1", *options)

    def stop(self) -> None:
        """End all of Ray in this place, without asking."""
        self._ray(sys.executable, "stop", "--force")

    def _ray(self, python: str, command: str, *options: str) -> None:
        place = ["--node-ip-address", "127.0.0.1"] if command == "start" else []
        words = [python, "-m", "ray.scripts.scripts", command, *place, *options]
        done = subprocess.run(
            words, env={**os.environ, **self.variables}, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
