"""Overriding at run time: the API client gives way to a stub where there is no network."""

from dataclasses import dataclass

from dependency_injector import providers

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, Settings


class ApiSettings(PipelineSettings):
    """What can be set."""

    host: str = "production.example.org"
    api_key: str = "none"


@dataclass(frozen=True)
class ApiClient:
    """Reaches outside, where nothing should go here."""

    host: str
    api_key: str

    def call(self, operation: str) -> str:
        """Call the API."""
        message = f"{operation} on {self.host}"
        raise ConnectionError(message)


@dataclass(frozen=True)
class ApiClientStub(ApiClient):
    """Answers by itself."""

    host: str = "localhost"
    api_key: str = "none"

    def call(self, operation: str) -> str:
        """Tell what would be called."""
        return f"{operation} on {self.host}"


@dataclass(frozen=True)
class Service:
    """Needs the client."""

    api_client: ApiClient

    def __call__(self, operation: str) -> str:
        return self.api_client.call(operation)


class ApiApplication(PipelineComponents):
    """A client as a factory, so that a stub may stand for it."""

    settings = Settings(ApiSettings)
    api_client = providers.Singleton(ApiClient, host=settings.session.host, api_key=settings.session.api_key)
    service = providers.Factory(Service, api_client=api_client)

    def define(self, pipeline: PipelineBuilder) -> None:
        pipeline.output("answer", pipeline.node("call", self.service)(operation="sync"))
