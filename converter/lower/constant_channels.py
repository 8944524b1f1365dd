"""Channels whose weights cannot move their neurons: constant ones (docs/decisions/0127).

A kernel that decayed to 1e-9 beside a threshold of 1 needs integers that no 32 bits hold, and its
neurons do the same for every input. Such a channel is found by the range of what it can receive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ..graph.levels import Levels

#: A channel without weights has this threshold.
WEIGHTLESS_THRESHOLD = 2**15
#: Up to here a threshold or bias, in units of the weight scale, is taken as it is.
_FINE = 2**30
#: The largest that a threshold or bias may become; the scale is coarser where it would be larger.
_LARGEST = 2**30


@dataclass(frozen=True, eq=False)
class Reach:
    """What one connection can add to the channels that it feeds.

    Attributes:
        weight: (out channels, ...), in the model's units per spike or per unit of a pixel.
        low, high: least and greatest value of each input, one number or of ``weight``'s form, such
            as 0 and 1 for the spikes of a window of one position.
        channels: which channels of the layer it feeds.
    """

    weight: np.ndarray
    low: np.ndarray | float
    high: np.ndarray | float
    channels: slice


@dataclass(frozen=True, eq=False)
class Scales:
    """What the integers of a layer of neurons are worth.

    Attributes:
        scale: (channels,): positive.
        bias: (channels,): as given, that of constant channels brought near to the threshold.
        constant: (channels,): bool: the neurons do the same for every input.
        zeroed: (channels,): bool: constant, with weights that are to become zero.
    """

    scale: np.ndarray
    bias: np.ndarray
    constant: np.ndarray
    zeroed: np.ndarray


def held_scales(
    scale: np.ndarray,
    bias: np.ndarray,
    level: np.ndarray,
    initial: np.ndarray | float,
    reach: Callable[[], Iterable[Reach]],
    *,
    repeats: int,
    levels: Levels,
    slope: np.ndarray | None = None,
    takes_back: bool = False,
) -> Scales:
    """Scales with which thresholds and biases fit their 32 bits, and the constant channels.

    Args:
        scale: (channels,): of the weights, zero where all of a channel's are.
        bias, level: (channels,): what is added in each step, and what a spike is worth.
        initial: v(0) as a part of ``level``.
        reach: gives what each connection can add; it is asked for where a channel needs it.
        repeats: steps in ``rate``, 1 in ``radix``.
        levels: numbers that a train of ``radix``, or a step of ``rate``, holds.
        slope: (channels,) of neurons that fire signed: a negative spike takes level / slope.
        takes_back: the neurons take spikes back.
    """
    taken = level if slope is None else level / slope
    weightless = scale == 0
    scale = np.where(weightless, level / WEIGHTLESS_THRESHOLD, scale)
    largest = np.maximum(taken, np.abs(bias))
    fine = largest > _FINE * scale
    zeroed = np.zeros(len(scale), bool)
    if fine.any():
        low, high = current_ranges(reach(), len(scale))
        most = 2 * max(levels.high, -levels.low)
        near = np.clip(bias, -most * taken, most * level)
        zeroed = fine & _is_fixed(
            np.minimum(bias + low, near),
            np.maximum(bias + high, near),
            level,
            taken if slope is not None else None,
            initial * level,
            repeats=repeats,
            levels=levels,
            takes_back=takes_back,
        )
        bias = np.where(zeroed, near, bias)
        scale = np.where(
            zeroed, level / WEIGHTLESS_THRESHOLD, np.maximum(scale, largest / _LARGEST)
        )
    return Scales(scale, bias, weightless | zeroed, zeroed)


def readable_scale(scale: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The scale of a layer without neurons, coarser where a bias would not fit its 32 bits."""
    return np.maximum(scale, np.abs(bias).max(initial=0.0) / _LARGEST)


def current_ranges(reach: Iterable[Reach], channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest weighted sum of each channel, over all inputs."""
    low, high = np.zeros(channels), np.zeros(channels)
    for entry in reach:
        axes = tuple(range(1, entry.weight.ndim))
        one, other = entry.weight * entry.low, entry.weight * entry.high
        low[entry.channels] += np.minimum(one, other).sum(axis=axes)
        high[entry.channels] += np.maximum(one, other).sum(axis=axes)
    return low, high


def _is_fixed(
    low: np.ndarray,
    high: np.ndarray,
    level: np.ndarray,
    taken: np.ndarray | None,
    start: np.ndarray,
    *,
    repeats: int,
    levels: Levels,
    takes_back: bool,
) -> np.ndarray:
    """Where currents anywhere in ``low`` .. ``high`` give one and the same spike train.

    The potential at every step lies between those that the two ends give, as long as all of them
    have fired alike; so nothing can differ unless the ends do. A margin holds what rounding to
    ``WEIGHTLESS_THRESHOLD`` moves.
    """
    margin = (repeats + 2) * (level if taken is None else taken) / WEIGHTLESS_THRESHOLD
    if taken is not None or takes_back or levels.high > 1:
        # What such neurons fire follows from all that they received, in ``rate`` as well.

        def number(potential: np.ndarray) -> np.ndarray:
            found = potential / level
            if taken is not None:
                beyond = (potential - (level - taken) / 2) / taken
                found = np.where(potential >= 0, found, beyond)
            # The sum over several steps has no limits but zero.
            ends = (levels.low, levels.high)
            if repeats > 1:
                ends = (0 if taken is None else -np.inf, np.inf)
            return np.clip(np.floor(found), *ends)

        return np.all(
            [
                number(step * low + start - margin) == number(step * high + start + margin)
                for step in range(1, repeats + 1)
            ],
            axis=0,
        )
    fixed = np.ones(len(level), bool)
    fired = np.zeros(len(level))
    for step in range(1, repeats + 1):
        least = start + step * low - fired * level - margin >= level
        most = start + step * high - fired * level + margin >= level
        fixed &= least == most
        fired += most
    return fixed
