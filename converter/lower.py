"""Balanced blocks to the integer network: everything folded, then quantised (DESIGN section 1)."""

from __future__ import annotations

import numpy as np

from ..golden.errors import RheobaseError
from ..golden.network import IMAGE, Coding, Connection, Layer, Network, Pool, PoolRule, Readout
from .blocks import Block
from .quantise import quantisation_scale, quantised

#: Where a channel has no weights, its threshold becomes this integer.
_WEIGHTLESS_THRESHOLD = 2**15


def lower(
    blocks: tuple[Block, ...],
    thresholds: tuple[np.ndarray, ...],
    *,
    input_shape: tuple[int, int, int],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    coding: Coding,
    steps: int,
    delay: int,
    readout: Readout,
    rule: PoolRule,
    weight_bits: int,
    name: str = "network",
) -> Network:
    """The integer network of ``blocks``.

    What a spike is worth is folded into the weights that it meets: theta of its own channel in
    ``rate``, theta / (2**T - 1) in ``radix``, and 1 / (255 std) for a pixel. The zero point is the
    pixel value closest to the mean; what is left of the mean goes into the bias. Every output
    channel has a scale of its own, except in a last layer whose currents are read out.

    Args:
        thresholds: per block (channels,), the full range in the model's units.
        mean, std: of the normalisation, per input channel, for pixels in 0..1.

    Raises:
        RheobaseError: a threshold or bias that 32 bits do not hold, or another value out of range.
    """
    mean_pixel = 255.0 * np.asarray(mean, dtype=np.float64)
    zero_point = np.clip(np.rint(mean_pixel), 0, 255).astype(np.uint8)
    worth = 1.0 / (255.0 * np.asarray(std, dtype=np.float64))
    offset = (zero_point - mean_pixel) * worth
    units = 1 if coding == Coding.RATE else 2**steps - 1
    layers = []
    names: set[str] = set()
    for index, (block, threshold) in enumerate(zip(blocks, thresholds, strict=True)):
        real = block.weight.numpy()
        bias = block.bias.numpy()
        if index == 0:
            bias = bias + real.sum(axis=(2, 3)) @ offset
        weight = real * worth[:, None, None]
        fires = block.fires or readout == Readout.COUNT
        level = np.asarray(threshold, dtype=np.float64) / units
        scale = quantisation_scale(weight, weight_bits, per_channel=fires)
        if fires:
            scale = np.where(scale > 0, scale, level / _WEIGHTLESS_THRESHOLD)
        elif not scale.any():
            raise RheobaseError(f"{block.name}: all weights are zero, nothing to read out")
        integers = quantised(weight, scale, weight_bits).astype(np.int8)
        layer_threshold = initial = None
        if fires:
            layer_threshold = _int32(block.name, "threshold", np.maximum(level / scale, 1))
            initial = layer_threshold // 2
            # The next layer sees the threshold that the hardware really has.
            worth = layer_threshold * scale
        pool = block.pool and Pool(block.pool.kernel, block.pool.stride, block.pool.padding, rule)
        layers.append(
            Layer(
                name=_unique(block.name, names),
                connections=(
                    Connection(
                        source=index - 1 if index else IMAGE,
                        weight=integers,
                        weight_bits=weight_bits,
                        stride=block.stride,
                        padding=block.padding,
                    ),
                ),
                bias=_int32(block.name, "bias", bias / scale),
                threshold=layer_threshold,
                initial_potential=initial,
                pool=pool,
            )
        )
    return Network(
        input_shape=input_shape,
        zero_point=zero_point,
        layers=tuple(layers),
        coding=coding,
        steps=steps,
        delay=delay,
        readout=readout,
        outputs=(len(layers) - 1,),
        name=name,
    )


def _int32(name: str, field: str, values: np.ndarray) -> np.ndarray:
    rounded = np.rint(values)
    if not np.all(np.abs(rounded) < 2**31):
        worst = float(np.abs(values).max())
        raise RheobaseError(
            f"{name}: {field} is {worst:.3g} times the weight scale, accepted is below 2**31"
        )
    return rounded.astype(np.int32)


def _unique(name: str, taken: set[str]) -> str:
    """A module that is called twice makes two layers; the second gets a number."""
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}#{number}", number + 1
    taken.add(candidate)
    return candidate
