"""Verilator builds, cocotb test-bench parts and the fast batch runner."""
