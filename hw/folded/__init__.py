"""Arithmetic that an ECP5 carries out in fewer cells than yosys finds by itself."""
