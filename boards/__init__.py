"""Boards: host link, platforms, bitstream builds, and the host driver.

Modules are imported by name: the host's side (``host``, ``protocol``) needs no amaranth.
"""
