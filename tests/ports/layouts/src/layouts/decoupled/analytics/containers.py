"""The container of analytics: imports neither users nor photos."""

from dependency_injector import containers, providers

from layouts.decoupled.analytics.services import AggregationService, Photos, Users


class AnalyticsContainer(containers.DeclarativeContainer):
    """Needs two repositories from whoever nests it."""

    user_repository: providers.Dependency[Users] = providers.Dependency()
    photo_repository: providers.Dependency[Photos] = providers.Dependency()
    aggregation_service = providers.Factory(AggregationService, users=user_repository, photos=photo_repository)
