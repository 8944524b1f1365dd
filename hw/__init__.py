"""Amaranth generator of streaming integrate-and-fire accelerators (DESIGN section 2)."""
