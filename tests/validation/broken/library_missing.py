"""A library that the module imports is not installed."""

import no_such_library  # type: ignore[import-not-found]  # that is the point

from oneml.habitats import PipelineComponents


class Broken(PipelineComponents):
    library = no_such_library
