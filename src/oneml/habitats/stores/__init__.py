"""Artifact stores and session stores."""
