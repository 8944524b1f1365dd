"""Look-up tables of components: written by `python benchmarks/fit_costs.py`, not by hand."""

#: Per kind of component, what each of its features (``area.py``) adds.
COEFFICIENTS: dict[str, tuple[float, ...]] = {
    "column_buffer": (19.8089, 0.2163, 1.9522, 26.2408, 5.1281, 0.0, 3.3447, 8.0773),
    "constant_bits": (1.6896,),
    "direct": (24.1633, 0.0, 3.4525, 3.4822),
    "frame": (70.4798, 1.076, 0.0),
    "gather": (7.0, 2.0),
    "glue": (21.9245, 0.1806),
    "join": (0.8011, 0.9929, 2.2263),
    "lane": (49.361, 0.0, 3.6975, 1.0483, 1.2973, 1.0878, 0.0),
    "lane_of_planes": (93.6254, 3.7712, 0.0, 0.0, 0.0, 2.3268, 3.8201),
    "map_sum": (67.4117, 3.4734),
    "pool": (4.0394, 1.1839, 1.6963, 0.0),
    "radix_neurons": (80.5689, 2.016, 0.7062, 0.0, 0.7617, 0.0),
    "rate_neurons": (31.7984, 2.0521, 0.0, 1.4814, 0.4493, 0.0),
    "register_bits": (1.0,),
    "row_buffer": (48.5163, 2.6824, 0.0, 0.0, 0.3551, 0.0, 14.5683, 10.7107),
    "sums": (10.2, 0.0, 0.0, 0.0, 0.0, 22.9),
    "turns": (0.0, 0.4806, 5.0446),
    "two_registers": (4.0, 1.0),
}
