"""A pipeline package of several modules: everything in it that another copy of it may have otherwise."""
