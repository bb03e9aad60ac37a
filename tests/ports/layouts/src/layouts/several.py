"""The application of several containers: gateways and services, tied together by a third."""

from dependency_injector import containers, providers

from layouts.accounts import AccountSettings, AuthService, Main, PhotoService, Storage, UserService, connected
from oneml.habitats import PipelineBuilder, PipelineComponents, Settings


class Gateways(containers.DeclarativeContainer):
    """What reaches outside; the two texts come from whoever nests it."""

    dsn = providers.Dependency(instance_of=str)
    bucket = providers.Dependency(instance_of=str)
    database = providers.Resource(connected, dsn)
    storage = providers.Singleton(Storage, bucket)


class Services(containers.DeclarativeContainer):
    """What does the work, by whatever gateways."""

    token_ttl = providers.Dependency(instance_of=int)
    gateways = providers.DependenciesContainer()
    users = providers.Factory(UserService, database=gateways.database)
    auth = providers.Factory(AuthService, users=users, token_ttl=token_ttl)
    photos = providers.Factory(PhotoService, users=users, storage=gateways.storage)


class SeveralContainers(PipelineComponents):
    """The application, which alone knows the settings."""

    settings = Settings(AccountSettings)
    gateways = providers.Container(Gateways, dsn=settings.session.database.dsn, bucket=settings.session.storage.bucket)
    services = providers.Container(Services, token_ttl=settings.session.auth.token_ttl, gateways=gateways)
    main = providers.Factory(Main, users=services.users, auth=services.auth, photos=services.photos)

    def define(self, pipeline: PipelineBuilder) -> None:
        done = pipeline.node("main", self.main)(email="ada@example.org", password=pipeline.input("password", str))
        pipeline.output("done", done)
