"""A package whose files count as data."""
