"""Constants of a layer's neurons, one word of P values per group."""

from __future__ import annotations

import numpy as np
from amaranth import Module, Signal, Value
from amaranth.lib import data

from ...golden.basics.arithmetic import ceil_div
from ...golden.network.bounds import Interval
from ..basics.shapes import signed_shape
from ..basics.table import lookup
from ..design.payloads import vector


def group_constants(
    m: Module, group: Value, values: np.ndarray, neurons: int, *, name: str, fill: int = 0
) -> data.View:
    """Signal with the ``neurons`` values of ``group``; ``fill`` past the last channel."""
    groups = ceil_div(len(values), neurons)
    padded = np.full(groups * neurons, fill, dtype=np.int64)
    padded[: len(values)] = values
    shape = signed_shape(Interval.of(padded))
    result = Signal(vector(shape, neurons), name=name)
    for neuron in range(neurons):
        column = [int(value) for value in padded[neuron::neurons]]
        m.d.comb += result[neuron].eq(
            lookup(m, group, column, name=f"{name}_{neuron}", shape=shape)
        )
    return result
