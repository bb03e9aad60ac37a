"""Settings: three classes, their layers, the origin of each value, and the snapshot. Sole user of pydantic-settings."""
