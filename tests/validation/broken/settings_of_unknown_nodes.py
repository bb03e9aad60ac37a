"""Settings for nodes that there are none of, and without effect."""

from broken.bodies import OfTheSession

SETTINGS = {"nodes": {"//b": {"rate": 0.5}, "//a": {"rate": 0.5, "words": ["x"]}}}


class Broken(OfTheSession): ...
