"""Did-you-mean texts, the same wherever a name is unknown."""

from collections.abc import Collection, Iterable, Sequence


def known_names(name: str, known: Iterable[str], *, last: Collection[str] = (), most: int = 20) -> str:
    """Return the end of an unknown-name message: what is known, and the nearest of it.

    Args:
        name: The name that was not found.
        known: Every name that would have been found.
        last: Those that stand behind the others: what everything has.
        most: How many known names to print before the rest is only counted.

    Returns:
        ``Known: a, b. Did you mean "a"?``, without the question where nothing is near.
    """
    names = sorted(set(known))
    if not names:
        return "None is known."
    shown = ", ".join(sorted(names, key=lambda one: one in last)[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    near = nearest_name(name, names)
    question = "" if near is None else f' Did you mean "{near}"?'
    return f"Known: {shown}{more}.{question}"


def nearest_name(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that somebody meant who wrote ``name``; None where nothing is near."""
    from difflib import get_close_matches  # noqa: PLC0415  # only a process that fails pays for it

    return next(iter(get_close_matches(name, known, 1)), None)
