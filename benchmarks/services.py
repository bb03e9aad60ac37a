"""Twenty services, the longest chain five: T5, T1, C1, S7, S1. S live per process, C per session, T per node."""

from types import SimpleNamespace

NEEDS = {
    "S7": ("S1", "S2"),
    "S8": ("S3", "S4"),
    "S9": ("S5",),
    "S10": ("S6",),
    "C1": ("S7",),
    "C2": ("S8",),
    "C3": ("S9", "S10"),
    "C4": ("S7", "S8"),
    "C5": ("S1",),
    "T1": ("C1", "C2"),
    "T2": ("C3",),
    "T3": ("C4",),
    "T4": ("C5", "S9"),
    "T5": ("T1", "T2", "T3", "T4"),
}
PROCESS = tuple(f"S{number}" for number in range(1, 11))
SESSION = tuple(f"C{number}" for number in range(1, 6))
NODE = tuple(f"T{number}" for number in range(1, 6))
ROOT = "T5"


def needs(name: str) -> tuple[str, ...]:
    """Return the services that ``name`` takes, in order."""
    return NEEDS.get(name, ())


def new_classes() -> SimpleNamespace:  # noqa: C901  # twenty classes, written out: plain code for every peer
    """Return a fresh set of classes, since some libraries leave marks on them."""

    class S1: ...

    class S2: ...

    class S3: ...

    class S4: ...

    class S5: ...

    class S6: ...

    class S7:
        def __init__(self, a: S1, b: S2) -> None:
            self.a, self.b = a, b

    class S8:
        def __init__(self, a: S3, b: S4) -> None:
            self.a, self.b = a, b

    class S9:
        def __init__(self, a: S5) -> None:
            self.a = a

    class S10:
        def __init__(self, a: S6) -> None:
            self.a = a

    class C1:
        def __init__(self, a: S7) -> None:
            self.a = a

    class C2:
        def __init__(self, a: S8) -> None:
            self.a = a

    class C3:
        def __init__(self, a: S9, b: S10) -> None:
            self.a, self.b = a, b

    class C4:
        def __init__(self, a: S7, b: S8) -> None:
            self.a, self.b = a, b

    class C5:
        def __init__(self, a: S1) -> None:
            self.a = a

    class T1:
        def __init__(self, a: C1, b: C2) -> None:
            self.a, self.b = a, b

    class T2:
        def __init__(self, a: C3) -> None:
            self.a = a

    class T3:
        def __init__(self, a: C4) -> None:
            self.a = a

    class T4:
        def __init__(self, a: C5, b: S9) -> None:
            self.a, self.b = a, b

    class T5:
        def __init__(self, a: T1, b: T2, c: T3, d: T4) -> None:
            self.a, self.b, self.c, self.d = a, b, c, d

    return SimpleNamespace(**locals())
