"""A setting that a whole session shares, for one node."""

from broken.bodies import OfTheNode

SETTINGS = {"nodes": {"//a": {"workers": 2}}}


class Broken(OfTheNode): ...
