"""The searches for a folding."""
