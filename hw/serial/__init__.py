"""Layers that add up one weight after another, with their sums in a memory."""
