"""A node asks for what its engine cannot do."""

from broken.bodies import OneNode

SETTINGS = {"timeout_seconds": 5, "tags": ["gpu"], "resources": {"gpus": 2, "memory_bytes": 1000}, "image": "x:1"}


class Broken(OneNode): ...
