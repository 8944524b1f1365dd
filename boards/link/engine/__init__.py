"""The host link of an engine."""
