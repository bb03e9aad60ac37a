"""A serializer of another distribution runs the suite, found by its entry point."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from oneml.habitats.data.serializer_registry import SerializerRegistry
from oneml.habitats.ports.serializer import Serializer
from oneml.habitats.testing.serializers import Sample, SerializerConformance

SITE = Path(__file__).with_name("plugin_site")

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(SITE))
    SERIALIZER = SerializerRegistry(allowed=lambda: ["roman"]).by_name("roman")
    from roman_numbers import Roman


class TestRoman(SerializerConformance):
    def serializer(self) -> Serializer:
        return SERIALIZER

    def samples(self) -> Mapping[str, Sample]:
        return {"sixteen": Sample(Roman("XVI"), Roman), "nothing": Sample(Roman(""))}
