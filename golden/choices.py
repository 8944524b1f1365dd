"""What a network may choose from: its coding, its pooling rule and its readout.

Apart from the arrays, so that a command line can offer them without loading NumPy.
"""

from __future__ import annotations

from enum import StrEnum

#: Largest number of time steps per coding.
MAX_STEPS = {"rate": 1024, "radix": 16}


class Coding(StrEnum):
    """What a spike at step t of T is worth."""

    RATE = "rate"  #: one
    RADIX = "radix"  #: 2**(T - t)


class PoolRule(StrEnum):
    """How the maximum of several currents is taken over time."""

    CUMULATIVE = "cumulative"  #: increments of the maximum of the accumulated currents
    STEP = "step"  #: the maximum of the currents of each step


class Readout(StrEnum):
    """What the answer is read from, in t0 < t <= T."""

    COUNT = "count"  #: the spikes of the layers that are read out
    CURRENT = "current"  #: the summed currents of the layers that are read out; they fire not
