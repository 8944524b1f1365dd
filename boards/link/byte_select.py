"""Picks one byte of a value; no product in the address, as the library's ``word_select`` has."""

from __future__ import annotations

from amaranth import Array, Value


def byte_at(value: Value, index: Value) -> Value:
    """Byte ``index`` of ``value``, the lowest byte first; the last one past the end."""
    value = Value.cast(value)
    return Array(value[low : low + 8] for low in range(0, len(value), 8))[index]
