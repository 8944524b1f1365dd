"""Linear layers: neurons that fire signed, where a model has no activation."""
