"""Analytics: knows what it needs by contracts alone."""

from dataclasses import dataclass
from typing import Protocol


class Known(Protocol):
    """Somebody with an id."""

    @property
    def user_id(self) -> int: ...


class Users(Protocol):
    """Gives users."""

    def get(self, user_id: int) -> Known: ...


class Photos(Protocol):
    """Counts photos."""

    def count(self, user_id: int) -> int: ...


@dataclass(frozen=True)
class AggregationService:
    """Counts over users."""

    users: Users
    photos: Photos

    def __call__(self, user_ids: list[int]) -> dict[str, int]:
        known = [self.users.get(user_id).user_id for user_id in user_ids]
        return {str(user_id): self.photos.count(user_id) for user_id in known}
