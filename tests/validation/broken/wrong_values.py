"""Values that do not fit their types, and names that there are none of."""

from broken.bodies import OfTheSession

SETTINGS = {"rate": "fast", "words": "no list", "ratte": 1, "retries": -1}


class Broken(OfTheSession): ...
