"""The container."""

import os

from dependency_injector import providers

from harbour.cranes import Crane, Log, LongCrane
from harbour.nodes import Load, Report, Wash, Weigh
from harbour.settings import HarbourSettings
from harbour.tides import Tide
from oneml.habitats import PipelineBuilder, PipelineComponents, Reference, Settings


class Harbour(PipelineComponents):
    """Load, weigh, report; and wash, beside it."""

    first_party = ("anchors",)
    package_data = ("harbour.tables:*.csv",)

    settings = Settings(HarbourSettings)
    log = providers.Singleton(Log, flags=frozenset({"red", "green", "white", "blue", "black"}))
    crane = providers.Factory(Crane, log=log, reach=int(os.environ.get("QUAY_REACH", "10")))
    long_crane = providers.Factory(LongCrane, log=log, reach=40)
    tide = Reference(Tide, "harbour.tides:Tide", metres=0.5)
    load = providers.Factory(Load, crane=crane, boats=settings.session.boats, flag=settings.node.flag)
    weigh = providers.Factory(Weigh, tide=tide)
    report = providers.Factory(Report, token=settings.session.token)
    wash = providers.Factory(Wash)

    def define(self, pipeline: PipelineBuilder) -> None:
        """Define the pipeline."""
        loaded = pipeline.node("load", self.load)()
        weighed = pipeline.node("weigh", self.weigh)(load=loaded)
        pipeline.node("wash", self.wash)()
        pipeline.output("report", pipeline.node("report", self.report)(weight=weighed))
