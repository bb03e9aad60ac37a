"""The container of users."""

from dependency_injector import containers, providers

from layouts.decoupled.user.repositories import UserRepository


class UserContainer(containers.DeclarativeContainer):
    """Needs a database from whoever nests it."""

    database = providers.Dependency(instance_of=str)
    user_repository = providers.Singleton(UserRepository, database=database)
