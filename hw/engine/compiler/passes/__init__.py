"""Passes: what they see, their tables and their weights."""
