"""What the layouts about users and photos are made of: a database, a storage and three services."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from pydantic import BaseModel

from oneml.habitats import PipelineSettings


class DatabaseSettings(BaseModel):
    """Where users are kept."""

    dsn: str = ":memory:"


class AuthSettings(BaseModel):
    """How long a login lasts."""

    token_ttl: int = 3600


class StorageSettings(BaseModel):
    """Where photos are kept."""

    bucket: str = "photos"


class AccountSettings(PipelineSettings):
    """What stood in ``config.ini``."""

    database: DatabaseSettings = DatabaseSettings()
    auth: AuthSettings = AuthSettings()
    storage: StorageSettings = StorageSettings()


def connected(dsn: str) -> Iterator[sqlite3.Connection]:
    """Hold a connection to a database of users open."""
    with closing(sqlite3.connect(dsn, check_same_thread=False)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS users (email TEXT PRIMARY KEY, password TEXT)")
        yield connection


@dataclass(frozen=True)
class Storage:
    """Keeps files in memory, in a bucket."""

    bucket: str
    files: dict[str, bytes] = field(default_factory=dict)

    def put(self, name: str, content: bytes) -> str:
        """Keep a file, and return where it lies."""
        self.files[name] = content
        return f"memory://{self.bucket}/{name}"


@dataclass(frozen=True)
class UserService:
    """Knows users."""

    database: sqlite3.Connection

    def create(self, email: str, password: str) -> None:
        """Add a user, or change the password."""
        self.database.execute("INSERT OR REPLACE INTO users VALUES (?, ?)", (email, password))

    def password_of(self, email: str) -> str:
        """Return the password of a user."""
        (password,) = self.database.execute("SELECT password FROM users WHERE email = ?", (email,)).fetchone()
        return str(password)


@dataclass(frozen=True)
class AuthService:
    """Lets users in."""

    users: UserService
    token_ttl: int

    def authenticate(self, email: str, password: str) -> int:
        """Return for how many seconds the user is let in.

        Raises:
            PermissionError: The password is another one.
        """
        if self.users.password_of(email) != password:
            raise PermissionError(email)
        return self.token_ttl


@dataclass(frozen=True)
class PhotoService:
    """Keeps photos of users."""

    users: UserService
    storage: Storage

    def upload(self, email: str, photo: bytes) -> str:
        """Keep a photo of a known user."""
        self.users.password_of(email)
        return self.storage.put(f"{email}.png", photo)


@dataclass(frozen=True)
class Main:
    """The application: signs a user up, in, and uploads a photo."""

    users: UserService
    auth: AuthService
    photos: PhotoService

    def __call__(self, email: str, password: str) -> dict[str, object]:
        self.users.create(email, password)
        lasts = self.auth.authenticate(email, password)
        return {"lasts": lasts, "photo": self.photos.upload(email, b"png")}
