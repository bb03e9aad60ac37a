"""The package of users."""
