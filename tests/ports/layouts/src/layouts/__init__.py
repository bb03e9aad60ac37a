"""The application layouts that the documentation of dependency-injector teaches, one module each."""
