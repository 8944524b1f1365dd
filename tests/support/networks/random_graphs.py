"""Random small graphs over the whole space that the format allows."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from hypothesis import strategies as st

from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Pool,
    PoolRule,
    Readout,
    SumPool,
)
from rheobase.golden.network.network import layer_shape, sum_pool_shape

from .random_networks import varied


def _pair(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    return int(rng.integers(low, high + 1)), int(rng.integers(low, high + 1))


def _sum_pool(rng: np.random.Generator, size: tuple[int, int]) -> SumPool | None:
    """Half the time none; windows up to the whole map, which is a global average."""
    if rng.random() < 0.6:
        return None
    kernel = size if rng.random() < 0.3 else _pair(rng, 1, min(3, *size))
    padding = tuple(int(rng.integers(0, min(2, kernel[axis % 2]))) for axis in range(4))
    return SumPool(kernel, _pair(rng, 1, 2), padding)


def _padding(
    rng: np.random.Generator, size: int, extent: int, stride: int, wanted: int
) -> tuple[int, int] | None:
    """Padding before and after that makes ``wanted`` windows of a side; None if none does."""
    whole = (wanted - 1) * stride + extent - size + int(rng.integers(0, stride))
    if whole > 2 * (extent - 1):
        return None
    low, high = max(whole - (extent - 1), -size), min(extent - 1, whole + size)
    before = int(rng.integers(low, high + 1)) if low <= high else None
    return None if before is None else (before, whole - before)


def _geometry(
    rng: np.random.Generator, size: tuple[int, int], wanted: tuple[int, int], sum_pools: bool
) -> tuple[dict, tuple[int, int]]:
    """Fields of a connection from a map of ``size`` to one of ``wanted``, and its kernel."""
    for _ in range(20):
        sums = _sum_pool(rng, size) if sum_pools else None
        seen = sum_pool_shape(sums, size) if sums else size
        kernel, stride, dilation = _pair(rng, 1, 3), _pair(rng, 1, 2), _pair(rng, 1, 2)
        sides = [
            _padding(rng, seen[i], (kernel[i] - 1) * dilation[i] + 1, stride[i], wanted[i])
            for i in range(2)
        ]
        if None not in sides:
            (top, bottom), (left, right) = sides
            fields = {"stride": stride, "dilation": dilation, "sum_pool": sums}
            return fields | {"padding": (top, left, bottom, right)}, kernel
    # A kernel large enough for the padding, or one position and a crop.
    kernel = tuple(max(1, wanted[i] - size[i] + 1) for i in range(2))
    (top, bottom), (left, right) = (_padding(rng, size[i], kernel[i], 1, wanted[i]) for i in (0, 1))
    return {"padding": (top, left, bottom, right)}, kernel


def _connection(
    rng: np.random.Generator,
    source: int,
    shape: tuple[int, int, int],
    channels: int,
    wanted: tuple[int, int],
    sum_pools: bool,
) -> Connection:
    """Dense, grouped or depthwise, from some of the source's channels to some of the layer's."""
    fields, kernel = _geometry(rng, shape[1:], wanted, sum_pools)
    seen = int(rng.integers(1, shape[0] + 1))
    divisors = [g for g in range(1, min(seen, channels) + 1) if seen % g == 0]
    groups = 1 if rng.random() < 0.4 else int(rng.choice(divisors))
    fed = groups * int(rng.integers(1, channels // groups + 1))
    bits = int(rng.integers(2, 9)) if rng.random() < 0.7 else int(rng.integers(9, 17))
    limit = 2 ** (bits - 1)
    weight = rng.integers(-limit, limit, (fed, seen // groups, *kernel))
    return Connection(
        source,
        weight.astype(np.int8 if bits <= 8 else np.int16),
        bits,
        groups=groups,
        in_start=int(rng.integers(0, shape[0] - seen + 1)),
        out_start=int(rng.integers(0, channels - fed + 1)),
        **fields,
    )


def _spread(connections: tuple[Connection, ...], worth: dict[int, float]) -> float:
    """About the root mean square of the current of a neuron that all connections feed."""
    squares = [
        (worth[c.source] * c.area * 2 ** (c.weight_bits - 1)) ** 2 * c.weight[0].size / 3
        for c in connections
    ]
    return max(1.0, float(np.sqrt(sum(squares))))


def random_graph(
    rng: np.random.Generator,
    *,
    coding: Coding,
    readout: Readout,
    rule: PoolRule,
    steps: int,
    layers: int,
    largest_channels: int = 6,
    largest_map: int = 5,
    sum_pools: bool = True,
) -> Network:
    """``layers`` layers of one to three connections each from whatever stands before.

    The last layer sees all that nothing else does. Any layer may be an output, of any map.
    """
    input_shape = (int(rng.integers(1, 4)), *_pair(rng, 2, largest_map))
    shapes = {IMAGE: input_shape}
    worth = {IMAGE: 90.0}
    spike = 0.5 if coding == Coding.RATE else 2.0 ** (steps - 1)
    made: list[Layer] = []
    outputs = []
    unused: set[int] = set()
    for index in range(layers):
        last = index == layers - 1
        is_output = last or rng.random() < 0.2
        fires = not is_output or readout == Readout.COUNT
        sources = [int(s) for s in rng.choice(list(shapes), int(rng.integers(1, 4)))]
        if last:
            sources = [*sorted(unused - set(sources)), *sources]
        channels = int(rng.integers(1, largest_channels + 1))
        wanted = _pair(rng, 1, largest_map)
        connections = tuple(
            _connection(rng, s, shapes[s], channels, wanted, sum_pools) for s in sources
        )
        spread = _spread(connections, worth)
        threshold = initial = None
        if fires:
            threshold = rng.integers(1, int(spread * 1.5) + 2, channels).astype(np.int32)
            initial = (threshold // 2).astype(np.int32)
            if rng.random() < 0.2:
                initial = rng.integers(-int(spread) - 1, int(spread) + 2, channels)
                initial = initial.astype(np.int32)
        reach = int(spread / 4) + 1
        bias = rng.integers(-reach, reach + 1, channels).astype(np.int32)
        pool = None
        if fires and rng.random() < 0.4:
            kernel = _pair(rng, 1, min(3, *wanted))
            padding = tuple(int(rng.integers(0, side // 2 + 1)) for side in kernel)
            pool = Pool(kernel, _pair(rng, 1, 2), padding, rule)
        layer = Layer(f"layer{index}", connections, bias, threshold, initial, pool)
        made.append(layer)
        if is_output:
            outputs.append(index)
        else:
            unused.add(index)
        unused -= set(sources)
        if fires:
            shapes[index] = layer_shape(layer, tuple(shapes[s] for s in sources)).output
            worth[index] = spike
    zero_point = rng.integers(0, 256, input_shape[0]) * (rng.random() < 0.7)
    return Network(
        input_shape=input_shape,
        zero_point=zero_point.astype(np.uint8),
        layers=tuple(made),
        coding=coding,
        steps=steps,
        delay=0 if coding == Coding.RADIX else int(rng.integers(steps)),
        readout=readout,
        outputs=tuple(outputs),
    )


@st.composite
def graph_networks(
    draw: st.DrawFn,
    largest_steps: int = 4,
    *,
    signed: Collection[Coding] = (),
    own_steps: bool = False,
    **limits: int,
) -> Network:
    """Hypothesis strategy over coding, readout, rule, T, depth, and the seed of all the rest.

    In the codings that are ``signed`` some layers may fire signed; with ``own_steps`` layers may
    have a T of their own in ``radix``.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    network = random_graph(
        rng,
        coding=draw(st.sampled_from(Coding)),
        readout=draw(st.sampled_from(Readout)),
        rule=draw(st.sampled_from(PoolRule)),
        steps=draw(st.integers(1, largest_steps)),
        layers=draw(st.sampled_from((2, 3, 4, 1))),
        **limits,
    )
    return varied(draw, rng, network, signed, own_steps)
