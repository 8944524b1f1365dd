"""The integer IF network, its file and its exact NumPy reference simulation."""
