"""The package of photos."""
