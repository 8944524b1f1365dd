"""A board's whole design in Verilator, its serial line on a pseudo-terminal."""
