"""The package of analytics."""
