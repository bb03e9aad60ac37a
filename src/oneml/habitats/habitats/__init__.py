"""Habitats: the registry, declarative components, scopes and code identity. Sole user of dependency_injector."""
