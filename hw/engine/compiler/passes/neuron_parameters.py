"""What a pass's neurons compare with: offsets and thresholds, as the records hold them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....golden.errors import RheobaseError
from .....golden.network.bounds import Interval, channel_bounds, effective_bias
from .....golden.network.network import Coding, Network
from .drafts import Draft


@dataclass(frozen=True)
class NeuronParameters:
    """Of a layer's channels, int64 each; names are those of the record's fields.

    Attributes:
        offset: added to a current: bias and initial potential.
        threshold: of a positive spike; None without neurons.
        below: what the current is subtracted from: where less than 0 comes out of it, no negative
            spike is fired; None unless neurons fire signed.
        negative_threshold: of a negative spike; None unless neurons fire signed.
    """

    offset: np.ndarray
    threshold: np.ndarray | None = None
    below: np.ndarray | None = None
    negative_threshold: np.ndarray | None = None


def number_bits(network: Network, index: int) -> int:
    """Of what neurons of layer ``index`` give: T, in ``rate`` bits of a net count; 0 without."""
    layer, steps = network.layers[index], network.steps_of(index)
    if layer.threshold is None:
        return 0
    return steps if network.coding == Coding.RADIX else steps.bit_length() + layer.signed


def neuron_parameters(
    network: Network, index: int, steps: int = 1
) -> tuple[NeuronParameters, Interval]:
    """Of layer ``index``, and the range of currents and potentials.

    Those with which neurons take what ``steps`` time steps of ``rate`` have given, all in one; in
    ``radix`` the one sum that there is.

    A channel whose currents differ by less than its threshold gives one number, or two: it gets the
    least threshold with which it gives them at the same currents, so that it does not need wider
    neurons than the others.
    """
    layer = network.layers[index]
    low, high = (steps * bound for bound in channel_bounds(network, index))
    bias = steps * effective_bias(network, index)
    if layer.neurons is None:
        return NeuronParameters(bias), Interval.of(low, high, bias, low + bias, high + bias)
    threshold = layer.neurons.threshold.astype(np.int64)
    offset = bias + layer.neurons.initial_potential
    most = (1 << number_bits(network, index) - layer.signed) - 1
    narrowed = _narrowed(low, high, offset, threshold, most)
    below = negative = None
    ends = ()
    if layer.neurons.negative_threshold is not None:
        last = np.maximum(layer.neurons.silent_from - 1, low + offset - 1)
        below = last - offset
        negative = layer.neurons.negative_threshold.astype(np.int64)
        negative = np.minimum(negative, np.maximum(last + 1 - low - offset, 1))
        ends = (below,)
    offset, threshold = narrowed
    found = NeuronParameters(offset, threshold, below, negative)
    return found, Interval.of(low, high, offset, low + offset, high + offset, *ends)


def _narrowed(
    low: np.ndarray, high: np.ndarray, offset: np.ndarray, threshold: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and thresholds with which currents of ``low`` .. ``high`` give the same numbers.

    Args:
        most: the largest number.
    """
    reach = high - low
    number = (low + offset) // threshold
    # From this current on the next number, where there is one to come.
    border = (number + 1) * threshold - offset
    steps_up = (number >= 0) & (number < most) & (border <= high)
    least = reach + 1
    constant = np.clip(number, 0, most) * least - low
    narrow = least <= threshold
    narrowed = np.where(steps_up, (number + 1) * least - border, constant)
    return np.where(narrow, narrowed, offset), np.where(narrow, least, threshold)


def parameter_records(network: Network, draft: Draft) -> list[dict[str, int]]:
    """One for each turn of F neurons of the pass, of each step in which they fire.

    Raises:
        RheobaseError: currents, potentials or thresholds are wider than the engine's.
    """
    steps = draft.block.steps
    return [
        record
        for step in steps.fired
        for record in _step_records(network, draft, 1 + step - steps.summed[0])
    ]


def _step_records(network: Network, draft: Draft, steps: int) -> list[dict[str, int]]:
    """Of neurons that take what ``steps`` steps have given."""
    design, block = draft.design, draft.block
    found, currents = neuron_parameters(network, block.layer, steps)
    if currents.bits > design.current_bits:
        raise RheobaseError(
            f"{block.where}: currents and potentials take {currents.bits} bits, must be at most "
            f"{design.current_bits} (current_bits)"
        )
    channels = slice(block.first, block.end)
    count = draft.groups * draft.group_channels
    # Channels beyond the block's have no weights, and must not fire.
    fillings = {"offset": 0, "threshold": 1, "below": -1, "negative_threshold": 1}
    fields = {}
    for name, filling in fillings.items():
        values = getattr(found, name)
        fields[name] = np.full(count, filling, np.int64)
        if values is None:
            continue
        if "threshold" in name and int(values[channels].max()) >> design.threshold_bits:
            raise RheobaseError(
                f"{block.where}: thresholds reach {values[channels].max()}, must be below "
                f"2 ** {design.threshold_bits} (threshold_bits)"
            )
        fields[name][: block.end - block.first] = values[channels]
    return [
        {
            f"{name}_{neuron}": int(values[turn + neuron])
            for neuron in range(design.firing)
            for name, values in fields.items()
        }
        for turn in range(0, count, design.firing)
    ]
