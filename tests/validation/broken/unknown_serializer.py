"""Serializers that there are none of, for ports that no node has."""

from broken.bodies import OneNode

SETTINGS = {"serializers": {"output": "jsno", "outptu": "json"}}


class Broken(OneNode): ...
