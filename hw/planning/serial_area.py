"""What a serial layer's adders are counted in."""

from __future__ import annotations

from ..basics.widths import count_bits, index_bits
from ..design.layer_design import LayerDesign
from ..memories.memory_shape import serial_memory
from ..memories.weight_banks import weight_banks
from .items import Item, Kind


def serial_items(design: LayerDesign) -> list[Item]:
    """What marks words, finds their events and adds their weights to sums."""
    (connection,) = design.connections
    built = design.serial_design
    weight_width = design.neurons * connection.connection.weight_bits
    banks = weight_banks(
        len(built.weights),
        weight_width,
        connection.weight_memory,
        split=connection.style.memory_banks,
    )
    sums = design.neurons * design.current.bits
    shifted = weight_width + design.neurons * built.largest_shift
    features = (
        1.0,
        float(connection.word_width),
        index_bits(len(built.weights)),
        sums,
        shifted * (count_bits(built.largest_shift) if built.largest_shift else 0)
        + sums * connection.signed_trains,
        weight_width * (banks.selected - 1),
    )
    memories = (*banks.banks, serial_memory(sums, design.groups))
    return [Item(Kind.SERIAL, features, memories)]
