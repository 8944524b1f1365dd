"""Memories: their shapes, what yosys makes of them, and the banks that they lie in."""
