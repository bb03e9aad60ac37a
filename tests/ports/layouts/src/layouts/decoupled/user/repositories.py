"""Users, in memory."""

from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    """A user."""

    user_id: int


@dataclass(frozen=True)
class UserRepository:
    """Gives users by id."""

    database: str

    def get(self, user_id: int) -> User:
        """Return a user."""
        return User(user_id)
