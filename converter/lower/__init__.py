"""A balanced graph to the integer network: planned, folded, quantised."""
