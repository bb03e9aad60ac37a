"""Where equal values need not give equal bytes, although the same serializer of the same version writes them."""

from collections.abc import Mapping

from oneml.habitats.data.serializer_registry import BUILT_IN

_WHY: Mapping[str, str] = {
    "pickle": "pickles of equal values may differ: in the order of sets, and in what is shared inside",
    "sklearn": "in some models scikit-learn keeps a memory address (vectorizers of text) or times (searches)",
    "png": "drawings depend on the fonts of the machine and on the version of matplotlib",
    "parquet": "the version of pyarrow stands in every file",
    "polars": "files depend on the version of polars",
    "arrow": "what lies in memory where a value is null stands in the file, and files depend on the version of pyarrow",
}


def why_bytes_may_differ(serializer: str) -> str:
    """Return why two writings of an equal value may differ, for a person; empty where they never do."""
    if serializer not in BUILT_IN:
        return f'"{serializer}" is of another distribution, which may promise less than equal bytes for equal values'
    return _WHY.get(serializer, "")
