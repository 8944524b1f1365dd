"""Networks as graphs of the Neuromorphic Intermediate Representation, out and in."""
