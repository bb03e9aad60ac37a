"""Figures of this project beside those of its peers, measured in the same run: `python -m benchmarks`."""
