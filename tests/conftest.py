"""What all tests share."""

from hypothesis import settings

# Machines that run tests are shared: how long an example takes says nothing.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")
