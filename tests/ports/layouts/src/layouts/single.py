"""The single-container application: everything in one declarative container."""

from dependency_injector import providers

from layouts.accounts import AccountSettings, AuthService, Main, PhotoService, Storage, UserService, connected
from oneml.habitats import PipelineBuilder, PipelineComponents, Settings


class SingleContainer(PipelineComponents):
    """``Configuration`` became the settings model; the rest is as it was."""

    settings = Settings(AccountSettings)

    # Gateways
    database = providers.Resource(connected, settings.session.database.dsn)
    storage = providers.Singleton(Storage, settings.session.storage.bucket)

    # Services
    users = providers.Factory(UserService, database=database)
    auth = providers.Factory(AuthService, users=users, token_ttl=settings.session.auth.token_ttl)
    photos = providers.Factory(PhotoService, users=users, storage=storage)

    main = providers.Factory(Main, users=users, auth=auth, photos=photos)

    def define(self, pipeline: PipelineBuilder) -> None:
        done = pipeline.node("main", self.main)(email="ada@example.org", password=pipeline.input("password", str))
        pipeline.output("done", done)
