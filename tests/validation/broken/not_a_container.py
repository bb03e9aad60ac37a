"""The name leads to something else."""


class Broken:
    pass
