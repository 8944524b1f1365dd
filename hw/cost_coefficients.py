"""Look-up tables of components: written by `python benchmarks/fit_costs.py`, not by hand."""

#: Per kind of component, what each of its features (``area.py``) adds.
COEFFICIENTS: dict[str, tuple[float, ...]] = {
    "column_buffer": (0.0, 0.0, 1.9063, 34.2319, 2.5416, 0.2905, 8.8224, 19.8529),
    "constant_bits": (1.874,),
    "direct": (37.0, 0.0, 3.4219, 3.2308),
    "frame": (85.349, 1.0943, 0.0),
    "gather": (4.0, 3.0),
    "glue": (1.0, 1.8125),
    "join": (2.2543, 1.0037, 0.88),
    "lane": (10.6173, 0.0, 2.1096, 2.0653, 0.8756, 1.3328, 19.1911),
    "lane_of_planes": (179.5346, 3.3615, 0.0, 0.0, 1.6948, 0.9826, 8.2513),
    "map_sum": (827.2178, 5.5007),
    "radix_neurons": (115.6963, 5.2421, 0.0, 0.0, 0.0, 0.0, 0.3249, 0.0),
    "rate_neurons": (12.2215, 0.0, 8.2868, 0.0, 0.5112, 0.0, 0.1004, 0.0),
    "register_bits": (1.0,),
    "row_buffer": (195.7847, 1.8515, 0.0, 0.0, 31.4753, 0.0, 16.593, 0.0),
    "sums": (0.0, 5.5339, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "turns": (20.0, 0.4, 1.0),
}
