"""From an integer network to a program of an engine."""
