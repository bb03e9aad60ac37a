"""Data processing: three raw tables become the one that models are trained on."""

from collections.abc import Callable

from dependency_injector import providers
from pandas import DataFrame, Series, to_numeric
from pydantic_settings import SettingsConfigDict

from oneml.habitats import PipelineBuilder, PipelineComponents, PipelineSettings, ProcessSingleton, Settings
from spaceflights.catalog import RawTables


class DataSettings(PipelineSettings):
    """What is read.

    Attributes:
        seed: Of the raw tables.
        companies: How many companies they hold.
    """

    model_config = SettingsConfigDict(env_prefix="SPACEFLIGHTS_DATA_")

    seed: int = 3
    companies: int = 60


class Load:
    """Reads one raw table."""

    def __init__(self, read: Callable[[], DataFrame]) -> None:
        self._read = read

    def __call__(self) -> DataFrame:
        return self._read()


def _is_true(column: Series) -> Series:
    return column == "t"


def preprocess_companies(companies: DataFrame) -> DataFrame:
    """Make numbers of ratings and booleans of approvals."""
    rating = to_numeric(companies["company_rating"].str.replace("%", "")) / 100
    return companies.assign(company_rating=rating, iata_approved=_is_true(companies["iata_approved"]))


def preprocess_shuttles(shuttles: DataFrame) -> DataFrame:
    """Make numbers of prices and booleans of checks."""
    return shuttles.assign(
        d_check_complete=_is_true(shuttles["d_check_complete"]),
        moon_clearance_complete=_is_true(shuttles["moon_clearance_complete"]),
        price=to_numeric(shuttles["price"].str.replace(r"[$,]", "", regex=True)),
    )


def create_model_input_table(shuttles: DataFrame, companies: DataFrame, reviews: DataFrame) -> DataFrame:
    """Join the tables, without rows that lack a value."""
    rated = shuttles.merge(reviews, left_on="id", right_on="shuttle_id").drop(columns="id")
    table = rated.merge(companies, left_on="company_id", right_on="id").drop(columns="id")
    return table.dropna().reset_index(drop=True)


class DataProcessing(PipelineComponents):
    """Load, clean and join."""

    settings = Settings(DataSettings)
    raw = ProcessSingleton(RawTables, seed=settings.process.seed, companies=settings.process.companies)
    load_companies = providers.Factory(Load, raw.provided.read_companies)
    load_shuttles = providers.Factory(Load, raw.provided.read_shuttles)
    load_reviews = providers.Factory(Load, raw.provided.read_reviews)
    preprocess_companies = providers.Object(preprocess_companies)
    preprocess_shuttles = providers.Object(preprocess_shuttles)
    create_model_input_table = providers.Object(create_model_input_table)

    def define(self, pipeline: PipelineBuilder) -> None:
        companies = pipeline.node("companies", self.load_companies)()
        shuttles = pipeline.node("shuttles", self.load_shuttles)()
        reviews = pipeline.node("reviews", self.load_reviews)()
        table = pipeline.node("model_input_table", self.create_model_input_table)(
            shuttles=pipeline.node("preprocess_shuttles", self.preprocess_shuttles)(shuttles=shuttles),
            companies=pipeline.node("preprocess_companies", self.preprocess_companies)(companies=companies),
            reviews=reviews,
        )
        pipeline.output("model_input_table", table)
