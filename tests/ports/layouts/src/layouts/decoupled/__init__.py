"""Decoupled packages: each with a container of its own, tied together by the application."""

from dependency_injector import providers

from layouts.decoupled.analytics.containers import AnalyticsContainer
from layouts.decoupled.photo.containers import PhotoContainer
from layouts.decoupled.user.containers import UserContainer
from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class DecoupledSettings(PipelineSettings):
    """What can be set."""

    dsn: str = "sqlite"
    bucket: str = "bucket"


class DecoupledPackages(PipelineComponents):
    """Knows all packages, which do not know each other."""

    settings = Settings(DecoupledSettings)
    user_package = providers.Container(UserContainer, database=settings.session.dsn)
    photo_package = providers.Container(PhotoContainer, database=settings.session.dsn, bucket=settings.session.bucket)
    analytics_package = providers.Container(
        AnalyticsContainer,
        user_repository=user_package.user_repository,
        photo_repository=photo_package.photo_repository,
    )

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("photos", pipeline.node("photos", self.analytics_package.aggregation_service)(user_ids=[1, 2]))
