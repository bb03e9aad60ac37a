"""Constants."""

FACTOR = 3
