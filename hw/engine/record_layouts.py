"""Records of a program as Amaranth has them."""

from __future__ import annotations

from amaranth import signed, unsigned
from amaranth.lib import data

from .program import Record


def record_layout(record: Record) -> data.StructLayout:
    """The fields of ``record``, in its order; what is signed has a signed shape."""
    return data.StructLayout(
        {
            field.name: signed(field.bits) if field.signed else unsigned(field.bits)
            for field in record.fields
        }
    )
