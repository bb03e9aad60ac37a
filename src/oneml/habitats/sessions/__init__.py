"""Sessions: creating, loading, running, and the worker's side of a node."""
