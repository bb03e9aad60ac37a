"""The container of photos."""

from dependency_injector import containers, providers

from layouts.decoupled.photo.repositories import PhotoRepository


class PhotoContainer(containers.DeclarativeContainer):
    """Needs a database and the name of a bucket."""

    database = providers.Dependency(instance_of=str)
    bucket = providers.Dependency(instance_of=str, default="photos")
    photo_repository = providers.Singleton(PhotoRepository, database=database, bucket=bucket)
