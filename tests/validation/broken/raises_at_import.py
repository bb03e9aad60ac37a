"""The package cannot be imported."""


class Broken:
    pass
