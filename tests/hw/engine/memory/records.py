"""Records of a program packed by hand: fields from the lowest bit on."""

from __future__ import annotations

from random import Random

from rheobase.hw.engine.program import Record


def random_fields(record: Record, rng: Random) -> dict[str, int]:
    """Any value that each field has."""
    values = {}
    for field in record.fields:
        low = -(1 << (field.bits - 1)) if field.signed else 0
        values[field.name] = rng.randrange(low, low + (1 << field.bits))
    return values


def packed(record: Record, values: dict[str, int]) -> list[int]:
    """Memory words of a record."""
    bits = "".join(
        format(values[field.name] & ((1 << field.bits) - 1), f"0{field.bits}b")
        for field in reversed(record.fields)
        if field.bits
    )
    bits = bits.zfill(-(-len(bits) // 32) * 32)
    return [int(bits[start : start + 32], 2) for start in range(len(bits) - 32, -1, -32)]
