"""The serializers that come with this package, one a module."""
