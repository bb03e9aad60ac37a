"""Outputs in the memory of the driver, and a node in another process."""

from broken.bodies import OneNode

SETTINGS = {"engine": "process", "store": "memory:"}


class Broken(OneNode): ...
