"""What a serializer raises about a value that it cannot write."""


class UnwritableError(TypeError):
    """Something inside a value cannot be written.

    Attributes:
        place: Where in the value, empty for all of it: ``[2].model``.
        problem: What is wrong there, a sentence without its subject: ``is a _thread.lock``.
    """

    def __init__(self, *, place: str = "", problem: str) -> None:
        self.place = place
        self.problem = problem
        super().__init__(f"value{place} {problem}")
