"""Protocols that other layers, and other distributions, implement; one a file."""
