"""Options of an engine that there is none of."""

from broken.bodies import OneNode

SETTINGS = {"engines": {"dusk": {"address": "x"}}}


class Broken(OneNode): ...
