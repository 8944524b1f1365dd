"""Verilog text of a component, and where a simulation finds what it watches in it."""
