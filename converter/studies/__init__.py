"""Many conversions of one model, and the paper's tasks beside classification."""
