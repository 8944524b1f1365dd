"""Look-up tables of components: written by `python benchmarks/fit_costs.py`, not by hand."""

#: Per kind of component, what each of its features (``area.py``) adds.
COEFFICIENTS = {}
