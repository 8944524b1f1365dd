"""The unit of conversion: a model as a graph of normalised operations, and how it computes."""
