"""Whether neurons and coding of a network are what an engine has."""

from __future__ import annotations

from ....golden.errors import RheobaseError
from ....golden.network.network import Coding, Layer, Network, PoolRule
from ..design import TRAIN_DIGITS, EngineDesign
from ..trains import TrainFormat
from .passes.neuron_parameters import number_bits


def check_coding(network: Network, design: EngineDesign) -> None:
    """Check what does not depend on how passes are cut.

    Raises:
        RheobaseError: the message names the layer, the limit and the value.
    """
    rate = network.coding == Coding.RATE
    if rate and not design.rate:
        raise RheobaseError(
            f"network {network.name!r}: coding is rate, must be radix for an engine whose "
            "rate_turns are 0"
        )
    for index, layer in enumerate(network.layers):
        bits = number_bits(network, index)
        if bits > design.steps:
            what = f"counts of {network.steps} steps take {bits} bits" if rate else f"T is {bits}"
            raise RheobaseError(
                f"layer {layer.name!r}: {what}, must be at most {design.steps} (steps)"
            )
        if rate:
            _check_trains(network, layer)


def _check_trains(network: Network, layer: Layer) -> None:
    digits = TrainFormat(network.steps, layer.signed).digits
    if layer.threshold is not None and digits > TRAIN_DIGITS:
        raise RheobaseError(
            f"layer {layer.name!r}: trains of T = {network.steps} take {digits} digits, must be at "
            f"most {TRAIN_DIGITS}"
        )
    if (
        layer.pool is not None
        and layer.pool.rule == PoolRule.STEP
        and max(layer.pool.kernel) > 1
        and not layer.sees_only_image
    ):
        raise RheobaseError(
            f"layer {layer.name!r}: the maximum has the rule 'step', must be 'cumulative' for an "
            "engine: neurons see the maximum of summed currents"
        )
