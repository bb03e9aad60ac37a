"""Nothing imports this module."""

ANSWER = 41
