"""The equations of docs/meaning.md, one neuron and one synapse at a time, in Python integers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from rheobase.golden import IMAGE, Coding, Connection, Layer, Network, PoolRule, Readout

#: (channel, row, column) -> value, of a source's map; None beyond it.
Position = tuple[int, int, int]


def taps(
    connection: Connection, size: tuple[int, int], channel: int, y: int, x: int
) -> Iterator[tuple[int, Position | None]]:
    """Weight and position in the source of all that one window of output ``channel`` adds.

    ``size`` is (rows, columns) of the source's map; the position of what lies beyond it is the
    channel alone, (channel,).
    """
    out_group = connection.weight.shape[0] // connection.groups
    in_group = connection.weight.shape[1]
    group = channel // out_group
    for i in range(in_group):
        source_channel = connection.in_start + group * in_group + i
        for ky in range(connection.weight.shape[2]):
            for kx in range(connection.weight.shape[3]):
                weight = int(connection.weight[channel, i, ky, kx])
                row = y * connection.stride[0] + ky * connection.dilation[0] - connection.padding[0]
                column = (
                    x * connection.stride[1] + kx * connection.dilation[1] - connection.padding[1]
                )
                for where in _summed(connection, size, row, column):
                    yield weight, (source_channel, *where) if where else (source_channel,)


def _summed(connection: Connection, size: tuple[int, int], row: int, column: int):
    """Positions of the source that the kernel's input at (row, column) is; None beyond the map."""
    sums = connection.sum_pool
    if sums is None:
        inside = 0 <= row < size[0] and 0 <= column < size[1]
        yield (row, column) if inside else None
        return
    height = size[0] + sums.padding[0] + sums.padding[2]
    width = size[1] + sums.padding[1] + sums.padding[3]
    fits = (
        row >= 0
        and row * sums.stride[0] + sums.kernel[0] <= height
        and column >= 0
        and column * sums.stride[1] + sums.kernel[1] <= width
    )
    for sy in range(sums.kernel[0]):
        for sx in range(sums.kernel[1]):
            r = row * sums.stride[0] + sy - sums.padding[0]
            c = column * sums.stride[1] + sx - sums.padding[1]
            yield (r, c) if fits and 0 <= r < size[0] and 0 <= c < size[1] else None


def _window_sum(connection: Connection, maps, channel: int, y: int, x: int) -> int:
    """Sum of w * x over one window; what lies beyond the map adds nothing."""
    size = (len(maps[0]), len(maps[0][0]))
    return sum(
        weight * int(maps[where[0]][where[1]][where[2]])
        for weight, where in taps(connection, size, channel, y, x)
        if len(where) == 3
    )


def positions(layer: Layer, conv: tuple[int, int, int], oy: int, ox: int) -> list[tuple[int, int]]:
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
    """Outputs of one image, (channels, rows, columns) each, and each layer's spikes.

    Spikes are [t][channel][row][column], None without neurons. What a layer fires in no step of
    its own is not there: a train has fewer planes then.
    """
    network_steps = steps
    rate = network.coding == Coding.RATE
    pixels = (image.astype(int) - network.zero_point.astype(int)[:, None, None]).tolist()
    trains = []
    outputs = []
    for index, layer in enumerate(network.layers):
        channels, rows, columns = network.shapes[index].output
        steps = network_steps
        if layer.steps is not None and layer.steps < steps:
            steps = layer.steps
        spikes = np.zeros((steps, channels, rows, columns), dtype=int)
        read = np.zeros((channels, rows, columns), dtype=int)
        for o in range(channels):
            for oy in range(rows):
                for ox in range(columns):
                    currents = _currents(network, index, trains, pixels, o, oy, ox, steps)
                    if layer.threshold is None:
                        read[o, oy, ox] = sum(currents[delay:]) if rate else currents[0]
                    else:
                        fire = _fire_rate if rate else _fire_radix
                        spikes[:, o, oy, ox] = fire(layer, o, currents, steps)
        trains.append(None if layer.threshold is None else spikes)
        if index in network.outputs:
            if network.readout == Readout.COUNT:
                worth = [1 if rate else 2 ** (steps - t) for t in range(1, steps + 1)]
                read = sum(worth[t] * spikes[t] for t in range(delay, steps))
            outputs.append(read)
    return outputs, trains


def _currents(network, index, trains, pixels, o, oy, ox, steps):
    """What the neuron receives at each step (``rate``), or once (``radix``), bias included."""
    layer = network.layers[index]
    rate = network.coding == Coding.RATE
    where = positions(layer, network.shapes[index].conv, oy, ox)
    bias = int(layer.bias[o])
    each = []
    for t in range(steps if rate else 1):
        sums = [0] * len(where)
        for connection in layer.connections:
            channel = o - connection.out_start
            if not 0 <= channel < len(connection.weight):
                continue
            if connection.source == IMAGE:
                maps = pixels
            elif rate:
                maps = trains[connection.source][t]
            else:
                train = trains[connection.source]
                # The last plane of every source counts one, however many there are before it.
                worth = [2**u for u in range(len(train))][::-1]
                if network.layers[connection.source].negative_threshold is not None:
                    worth[0] = -worth[0]
                maps = sum(train[u] * worth[u] for u in range(len(train)))
            for i, (y, x) in enumerate(where):
                sums[i] += _window_sum(connection, maps, channel, y, x)
        each.append(sums)
    if layer.pool is None or layer.pool.rule == PoolRule.STEP or not rate:
        return [max(values) + bias for values in each]
    best = [
        max(sum(each[u][i] for u in range(t + 1)) for i in range(len(where))) for t in range(steps)
    ]
    return [best[t] - (best[t - 1] if t else 0) + bias for t in range(steps)]


def _wanted(layer: Layer, o: int, total: int) -> int:
    """The number that a signed neuron stands for where all it has received is ``total``."""
    threshold, negative = int(layer.threshold[o]), int(layer.negative_threshold[o])
    if total >= 0:
        return math.floor(Fraction(total, threshold))
    least = -((negative - threshold) // 2)
    return math.floor(Fraction(total - least, negative)) if total < least else 0


def _fire_signed_rate(layer: Layer, o: int, currents: list[int]) -> list[int]:
    total, count = int(layer.initial_potential[o]), 0
    train = []
    for current in currents:
        total += current
        wanted = _wanted(layer, o, total)
        train.append((wanted > count) - (wanted < count))
        count += train[-1]
    return train


def _fire_signed_radix(layer: Layer, o: int, current: int, steps: int) -> list[int]:
    number = _wanted(layer, o, int(layer.initial_potential[o]) + current)
    number = max(-(2 ** (steps - 1)), min(number, 2 ** (steps - 1) - 1))
    return [int(bit) for bit in format(number % 2**steps, f"0{steps}b")]


def _fire_rate(layer: Layer, o: int, currents: list[int], steps: int) -> list[int]:
    if layer.negative_threshold is not None:
        return _fire_signed_rate(layer, o, currents)
    potential, threshold = int(layer.initial_potential[o]), int(layer.threshold[o])
    train = []
    for current in currents:
        potential += current
        spike = int(potential >= threshold)
        potential -= threshold * spike
        train.append(spike)
    return train


def _fire_radix(layer: Layer, o: int, currents: list[int], steps: int) -> list[int]:
    if layer.negative_threshold is not None:
        return _fire_signed_radix(layer, o, currents[0], steps)
    potential, threshold = int(layer.initial_potential[o]) + currents[0], int(layer.threshold[o])
    train = []
    for t in range(1, steps + 1):
        spike = int(potential >= 2 ** (steps - t) * threshold)
        potential -= 2 ** (steps - t) * threshold * spike
        train.append(spike)
    # Past the full range the subtractions leave more than they take: every step spikes.
    return train


def accumulations(
    network: Network, index: int, number: int, image: np.ndarray, trains, neurons: int
) -> int:
    """Accumulations of one connection and image, for groups of ``neurons`` (P), one by one.

    ``trains`` are the spikes of all layers. A group adds a spike (set bit) of a window once, if
    a structural weight leads from it to any of the group's channels.
    """
    layer, shape = network.layers[index], network.shapes[index]
    connection = layer.connections[number]
    source = connection.source
    if source == IMAGE:
        bits = np.vectorize(lambda value: bin(value).count("1"))(image)
        beyond = [bin(value).count("1") for value in network.zero_point.tolist()]
    else:
        bits, beyond = np.abs(trains[source]).sum(axis=0), [0] * trains[source].shape[1]
    total = 0
    for oy in range(shape.output[1]):
        for ox in range(shape.output[2]):
            for y, x in positions(layer, shape.conv, oy, ox):
                for first in range(0, layer.out_channels, neurons):
                    seen = {}
                    for o in range(first, min(first + neurons, layer.out_channels)):
                        channel = o - connection.out_start
                        if 0 <= channel < len(connection.weight):
                            found = enumerate(taps(connection, bits.shape[1:], channel, y, x))
                            group = channel // (len(connection.weight) // connection.groups)
                            seen |= {(group, tap): where for tap, (_, where) in found}
                    for where in seen.values():
                        total += int(bits[where] if len(where) == 3 else beyond[where[0]])
    return total
