"""Look-up tables of components: written by `python benchmarks/fit_costs.py`, not by hand."""

#: Per kind of component, what each of its features (``area.py``) adds.
COEFFICIENTS: dict[str, tuple[float, ...]] = {
    "column_buffer": (31.965, 3.9881, 0.0, 0.0, 4.2417, 2.6358, 4.0574, 6.2678),
    "constant_bits": (1.6791,),
    "direct": (15.8064, 0.0, 3.4839, 3.5481),
    "frame": (70.4798, 1.076, 0.0),
    "gather": (7.0, 2.0),
    "glue": (24.2784, 0.1557),
    "join": (1.1135, 0.9988, 2.0077),
    "lane": (31.024, 0.4493, 4.4884, 0.9931, 1.1396, 1.168, 0.0),
    "lane_of_planes": (83.3143, 3.6236, 0.7933, 0.0, 0.0, 2.3161, 2.4925),
    "map_sum": (174.636, 2.7027),
    "pool": (4.0394, 1.1839, 1.6963, 0.0),
    "radix_neurons": (80.5689, 2.016, 0.7062, 0.0, 0.7617, 0.0),
    "rate_neurons": (32.1362, 2.0485, 0.0, 1.4637, 0.4499, 0.0),
    "register_bits": (1.0,),
    "row_buffer": (39.8258, 1.1756, 0.0, 5.3964, 2.06, 0.0, 7.2521, 9.2374),
    "sums": (10.2, 0.0, 0.0, 0.0, 0.0, 22.9),
    "turns": (0.0, 0.4806, 5.0446),
    "two_registers": (4.0, 1.0),
}
