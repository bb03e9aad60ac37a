"""A distribution that the harbour requires."""

LENGTH = 2.0
