"""A trained torch model to a balanced, quantised integer IF network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..golden.errors import RheobaseError
from ..golden.network import MAX_STEPS, Coding, Network, PoolRule, Readout
from .balancing import Balance, Method, balance
from .blocks import Block
from .delay import choose_delay, first_output_spike
from .fold import fold_chain, shaped
from .lower import lower
from .shapes import output_shape
from .snn import FloatSnn
from .trace import trace_chain

#: K of eq. 14-15: so many per level that a neuron can tell apart, within these limits. Few levels
#: want lower thresholds, that is, fewer steps from zero (docs/decisions/0003-iterations.md).
ITERATIONS_PER_LEVEL, LEAST_ITERATIONS, MOST_ITERATIONS = 3, 48, 200
#: Calibration images that pass through the network at a time.
BATCH = 100


@dataclass(frozen=True)
class Options:
    """Everything that a conversion can be asked for.

    Attributes:
        coding, steps: T of the integer network.
        delay: t0; None for eq. 19 in ``rate`` with ``count`` readout, 0 elsewhere.
        weight_bits: 2..8.
        readout, rule: see the integer network.
        method, iterations (K), percentile: of the balancing; K None for ``default_iterations``.
        device: on which calibration runs.
    """

    coding: Coding = Coding.RATE
    steps: int = 8
    delay: int | None = None
    weight_bits: int = 8
    readout: Readout = Readout.CURRENT
    rule: PoolRule = PoolRule.CUMULATIVE
    method: Method = Method.CLTB
    iterations: int | None = None
    percentile: float = 99.0
    device: str = "cpu"


@dataclass(frozen=True, eq=False)
class Conversion:
    """A converted model.

    Attributes:
        network: the integer network.
        snn: the float SNN with the same thresholds.
        blocks: the model as it was traced, batch normalisation folded, in float64.
        balance: thresholds and mean activations.
        expected_first_spike: eq. 19, in steps.
        left_out: paths of what was dropped at the model's end (softmax).
    """

    network: Network
    snn: FloatSnn
    blocks: tuple[Block, ...]
    balance: Balance
    expected_first_spike: float
    left_out: tuple[str, ...]

    def summary(self) -> list[dict[str, object]]:
        """One row per layer: its name, map, kernel, pooling and range of thresholds."""
        rows = []
        for layer, shape, threshold in zip(
            self.network.layers, self.network.shapes, self.balance.thresholds, strict=True
        ):
            rows.append(
                {
                    "layer": layer.name,
                    "input": " x ".join(map(str, shape.inputs[0])),
                    "kernel": " x ".join(map(str, layer.connections[0].kernel)),
                    "pool": " x ".join(map(str, layer.pool.kernel)) if layer.pool else "",
                    "output": " x ".join(map(str, shape.output)),
                    "weights": sum(connection.weight.size for connection in layer.connections),
                    "threshold": (float(threshold.min()), float(threshold.max()))
                    if layer.threshold is not None
                    else None,
                }
            )
        return rows


def convert(
    model: nn.Module,
    images: np.ndarray,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    options: Options = Options(),
    name: str = "network",
    progress: Callable[[int], None] | None = None,
) -> Conversion:
    """Convert ``model`` with ``images`` to balance on; no labels, no gradients, no training.

    Args:
        images: uint8, (images, channels, rows, columns).
        mean, std: the model's normalisation of pixels in 0..1, per channel (one value for all).
        progress: called with the number of images that each batch finished.

    Raises:
        RheobaseError: the model cannot be lowered (every such module is named), or bad options.
    """
    check_options(options)
    if images.ndim != 4 or images.dtype != np.uint8 or not images.size:
        raise RheobaseError(
            f"calibration images: {images.dtype} {images.shape}, accepted is uint8 "
            "(images, channels, rows, columns), at least one image"
        )
    input_shape = tuple(int(extent) for extent in images.shape[1:])
    mean, std = normalisation(mean, std, input_shape[0])
    blocks, left_out = trace_blocks(model, input_shape)
    batches = [
        normalised(images[start : start + BATCH], mean, std).to(options.device)
        for start in range(0, len(images), BATCH)
    ]
    iterations = default_iterations(options) if options.iterations is None else options.iterations
    balanced = balance(
        blocks,
        batches,
        method=options.method,
        iterations=iterations,
        percentile=options.percentile,
        progress=progress,
    )
    expected = first_output_spike(balanced)
    delay = options.delay
    if delay is None:
        # Summed currents have no last threshold to wait for (docs/decisions/0004-delay.md).
        counts = options.coding == Coding.RATE and options.readout == Readout.COUNT
        delay = choose_delay(expected, options.steps) if counts else 0
    network = lower(
        blocks,
        tuple(threshold.double().numpy() for threshold in balanced.thresholds),
        input_shape=input_shape,
        mean=mean,
        std=std,
        coding=options.coding,
        steps=options.steps,
        delay=delay,
        readout=options.readout,
        rule=options.rule,
        weight_bits=options.weight_bits,
        name=name,
    )
    snn = FloatSnn(
        blocks=blocks,
        thresholds=balanced.thresholds,
        coding=options.coding,
        rule=options.rule,
        readout=options.readout,
        steps=options.steps,
        delay=delay,
    ).to(options.device)
    return Conversion(network, snn, blocks, balanced, expected, left_out)


def trace_blocks(
    model: nn.Module, input_shape: tuple[int, int, int]
) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """Traced and folded blocks of ``model``, and what was left out; see ``convert``."""
    blocks, left_out = fold_chain(trace_chain(model, input_shape))
    blocks = shaped(blocks, input_shape)
    current = input_shape
    for block in blocks:
        current = output_shape(block, current)
    if current[1:] != (1, 1):
        raise RheobaseError(
            f"model cannot be lowered: {blocks[-1].name} gives a map of {current[1]} x "
            f"{current[2]}, accepted is one score per class (a 1 x 1 map)"
        )
    return blocks, left_out


def default_iterations(options: Options) -> int:
    """K for the number of levels that T steps give: T in ``rate``, 2**T - 1 in ``radix``."""
    levels = options.steps if options.coding == Coding.RATE else 2**options.steps - 1
    return min(max(ITERATIONS_PER_LEVEL * levels, LEAST_ITERATIONS), MOST_ITERATIONS)


def check_options(options: Options) -> None:
    """Raise ``RheobaseError`` where T, t0 or the number of bits is out of range."""
    highest = MAX_STEPS[options.coding.value]
    if not 1 <= options.steps <= highest:
        raise RheobaseError(
            f"T: {options.steps}, accepted is an integer in 1..{highest} in "
            f"{options.coding.value} coding"
        )
    last = options.steps - 1 if options.coding == Coding.RATE else 0
    if options.delay is not None and not 0 <= options.delay <= last:
        raise RheobaseError(
            f"t0: {options.delay}, accepted is an integer in 0..{last} for T = {options.steps} in "
            f"{options.coding.value} coding"
        )
    if not 2 <= options.weight_bits <= 8:
        raise RheobaseError(f"weight bits: {options.weight_bits}, accepted is an integer in 2..8")


def normalisation(
    mean: Sequence[float], std: Sequence[float], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """``mean`` and ``std`` per channel; one value stands for all channels.

    Raises:
        RheobaseError: another number of values, a mean outside 0..1, or a std that is not positive.
    """
    result = []
    for field, values in (("mean", mean), ("std", std)):
        values = tuple(float(value) for value in values)
        values = values * channels if len(values) == 1 else values
        if len(values) != channels:
            raise RheobaseError(
                f"{field}: {len(values)} values, accepted is 1 or {channels}, one per channel"
            )
        result.append(values)
    if not all(0 <= value <= 1 for value in result[0]):
        raise RheobaseError(f"mean: {result[0]}, accepted is values in 0..1 (pixels are 0..1)")
    if not all(value > 0 for value in result[1]):
        raise RheobaseError(f"std: {result[1]}, accepted is positive values")
    return result[0], result[1]


def normalised(images: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Pixels 0..255 (uint8) as the model takes them: (pixel / 255 - mean) / std, float32."""
    pixels = torch.from_numpy(np.ascontiguousarray(images)).float()
    centre = 255.0 * torch.tensor(mean, dtype=torch.float32)[:, None, None]
    gain = 1.0 / (255.0 * torch.tensor(std, dtype=torch.float32))[:, None, None]
    return pixels.sub_(centre).mul_(gain)
