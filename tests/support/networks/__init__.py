"""Networks for tests: drawn at random, rare, residual, planned."""
