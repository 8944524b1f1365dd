"""The converted network in floating point: the SNN, its neurons and its file."""
