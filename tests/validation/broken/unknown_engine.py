"""An engine that there is none of."""

from broken.bodies import OneNode

SETTINGS = {"engine": "proces"}


class Broken(OneNode): ...
