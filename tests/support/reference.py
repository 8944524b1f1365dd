"""The equations of DESIGN section 1, one neuron at a time, in plain Python integers."""

from __future__ import annotations

import numpy as np
from rheobase.golden import Coding, Layer, Network, PoolRule, Readout


def _window_sum(layer: Layer, maps, channel: int, top: int, left: int, outside) -> int:
    """Sum of w * x over one window; ``outside`` is each channel's value beyond the map."""
    total = 0
    rows, columns = len(maps[0]), len(maps[0][0])
    for c in range(layer.in_channels):
        for ky in range(layer.kernel[0]):
            for kx in range(layer.kernel[1]):
                y, x = top + ky, left + kx
                inside = 0 <= y < rows and 0 <= x < columns
                value = maps[c][y][x] if inside else outside[c]
                total += int(layer.weight[channel, c, ky, kx]) * int(value)
    return total


def _positions(layer: Layer, conv: tuple[int, int, int], oy: int, ox: int):
    """Convolution outputs that one pooled output takes the maximum of."""
    if layer.pool is None:
        return [(oy, ox)]
    pool = layer.pool
    found = []
    for py in range(pool.kernel[0]):
        for px in range(pool.kernel[1]):
            y = oy * pool.stride[0] - pool.padding[0] + py
            x = ox * pool.stride[1] - pool.padding[1] + px
            if 0 <= y < conv[1] and 0 <= x < conv[2]:
                found.append((y, x))
    return found


def run(network: Network, image: np.ndarray, steps: int, delay: int):
    """Scores of one image, and each layer's spikes [t][channel][row][column] (None without)."""
    rate = network.coding == Coding.RATE
    pixels = image.astype(int) - network.zero_point.astype(int)[:, None, None]
    spikes_of_layers = []
    trains = None
    scores = None
    for index, layer in enumerate(network.layers):
        shape = network.shapes[index]
        channels, rows, columns = shape.output
        spikes = np.zeros((steps, *shape.output), dtype=int)
        sums = [0] * channels
        for o in range(channels):
            for oy in range(rows):
                for ox in range(columns):
                    currents = _currents(network, index, trains, pixels, o, oy, ox, steps)
                    if layer.threshold is None:
                        sums[o] = sum(currents[delay:]) if rate else currents[0]
                    else:
                        fire = _fire_rate if rate else _fire_radix
                        spikes[:, o, oy, ox] = fire(layer, o, currents, steps)
        spikes_of_layers.append(None if layer.threshold is None else spikes)
        trains = spikes
        if index == len(network.layers) - 1:
            if network.readout == Readout.CURRENT:
                scores = sums
            elif rate:
                scores = spikes[delay:, :, 0, 0].sum(axis=0).tolist()
            else:
                scores = [int("".join(map(str, spikes[:, o, 0, 0])), 2) for o in range(channels)]
    return scores, spikes_of_layers


def _currents(network, index, trains, pixels, o, oy, ox, steps):
    """What the neuron receives at each step (``rate``), or once (``radix``), bias included."""
    layer = network.layers[index]
    rate = network.coding == Coding.RATE
    positions = [
        (y * layer.stride[0] - layer.padding[0], x * layer.stride[1] - layer.padding[1])
        for y, x in _positions(layer, network.shapes[index].conv, oy, ox)
    ]
    nothing = [0] * layer.in_channels
    bias = int(layer.bias[o])
    if index == 0:
        best = max(_window_sum(layer, pixels, o, y, x, nothing) for y, x in positions)
        return [best + bias] * (steps if rate else 1)
    if not rate:
        numbers = sum(trains[t] * 2 ** (steps - 1 - t) for t in range(steps))
        return [max(_window_sum(layer, numbers, o, y, x, nothing) for y, x in positions) + bias]
    each = [
        [_window_sum(layer, trains[t], o, y, x, nothing) for y, x in positions]
        for t in range(steps)
    ]
    if layer.pool is None or layer.pool.rule == PoolRule.STEP:
        return [max(values) + bias for values in each]
    best = [max(sum(each[u][i] for u in range(t + 1)) for i in range(len(positions)))
            for t in range(steps)]  # fmt: skip
    return [best[t] - (best[t - 1] if t else 0) + bias for t in range(steps)]


def _fire_rate(layer: Layer, o: int, currents: list[int], steps: int) -> list[int]:
    potential, threshold = int(layer.initial_potential[o]), int(layer.threshold[o])
    train = []
    for current in currents:
        potential += current
        spike = int(potential >= threshold)
        potential -= threshold * spike
        train.append(spike)
    return train


def _fire_radix(layer: Layer, o: int, currents: list[int], steps: int) -> list[int]:
    potential, threshold = int(layer.initial_potential[o]) + currents[0], int(layer.threshold[o])
    train = []
    for t in range(1, steps + 1):
        spike = int(potential >= 2 ** (steps - t) * threshold)
        potential -= 2 ** (steps - t) * threshold * spike
        train.append(spike)
    # Past the full range the subtractions leave more than they take: every step spikes.
    return train
