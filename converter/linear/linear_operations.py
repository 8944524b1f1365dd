"""Every linear operation of a model, applied to sums of terms (``terms``): exact, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from ...golden.basics.arithmetic import ceil_div
from ...golden.basics.axes import per_axis
from .compose import LARGEST_GROWTH, averaged, composed
from .terms import (
    NO_PADDING,
    Flat,
    Kernel,
    NotLowerable,
    Padding,
    Pair,
    Part,
    Term,
    Value,
    aligned_pieces,
    ones_term,
    touches_padding,
    window_size,
)


def convolved(value: Value, kernel: Kernel, bias: np.ndarray, origin: str) -> Value:
    """Convolution: torch's ``conv2d`` with ``bias`` (out channels,) on ``value``.

    Raises:
        NotLowerable: what is not exact as one kernel per term.
    """
    refuse_cells(value)
    size = kernel.size_for(value.size)
    inner = kernel.weight.shape[1]
    constant, terms = _convolved_constant(value, kernel, size, origin)
    bias = bias + constant
    for term in value.terms:
        for piece in _cut_at_groups(term, inner):
            part, out_start = _slice_inputs(kernel, piece.out_start, piece.out_stop)
            terms.append(composed(part, piece, value.size, size, origin).moved(out_start))
    return Value((kernel.out_channels, *size), bias, tuple(terms))


def _cut_at_groups(term: Term, size: int) -> list[Term]:
    """The term in pieces that feed whole groups of ``size`` channels, or lie within one."""
    ranges = aligned_pieces(term.out_start, term.out_stop, size)
    if len(ranges) == 1:
        return [term]
    pieces = [piece for start, stop in ranges for piece in term.cut(start, stop)]
    return [smaller for piece in pieces for smaller in _cut_at_groups(piece, size)]


def _slice_inputs(kernel: Kernel, start: int, stop: int) -> tuple[Kernel, int]:
    """The part of ``kernel`` that sees input channels ``start`` to ``stop``, and its first output.

    The range is whole groups, or lies within one.
    """
    inner = kernel.weight.shape[1]
    outs = kernel.out_channels // kernel.groups
    first = start // inner
    groups = max((stop - start) // inner, 1)
    weight = kernel.weight[first * outs : (first + groups) * outs]
    if stop - start < inner:
        weight = weight[:, start - first * inner : stop - first * inner]
    return replace(kernel, weight=weight, groups=groups), first * outs


def _convolved_constant(
    value: Value, kernel: Kernel, size: Pair, origin: str
) -> tuple[np.ndarray, list[Term]]:
    """What ``kernel`` makes of the bias of ``value``: a bias, or a term where it is padded."""
    if not value.bias.any():
        return np.zeros(kernel.out_channels), []
    before = value.bias.reshape(kernel.groups, -1)
    taps = kernel.weight.reshape(kernel.groups, -1, *kernel.weight.shape[1:])
    taps = np.einsum("goirc,gi->gorc", taps, before).reshape(-1, 1, *kernel.taps)
    if not touches_padding(value.size, kernel, size):
        return taps.sum(axis=(1, 2, 3)), []
    if not value.terms:
        raise NotLowerable("padded constant", "a map that depends on the image")
    term = ones_term(value, replace(kernel, weight=taps, groups=1))
    return np.zeros(kernel.out_channels), [term.named(origin)]


def scaled(value: Value | Flat, gain: np.ndarray, shift: np.ndarray, origin: str) -> Value | Flat:
    """gain x + shift, one of each per channel (per element of a flattened map)."""
    if isinstance(value, Flat):
        parts, start = [], 0
        for part in value.parts:
            own = slice(start, start + part.elements)
            factor = gain[own].reshape(part.value.shape)
            more = shift[own].reshape(part.value.shape)
            parts.append(Part(part.value, part.gain * factor, part.bias * factor + more))
            start = own.stop
        return Flat(tuple(parts))
    return scaled_map(value, gain, shift, origin)


def scaled_map(value: Value, gain: np.ndarray, shift: np.ndarray, origin: str) -> Value:
    """gain x + shift, one of each per channel."""
    # An average of a constant is the constant, so this also goes through ``cells``.
    terms = value.terms
    if np.any(gain != 1):
        terms = tuple(term.scaled(gain, origin) for term in terms)
    return replace(value, bias=value.bias * gain + shift, terms=terms)


def flattened(value: Value) -> Value | Flat:
    """``torch.flatten`` from the channels on."""
    if value.size == (1, 1):
        return value
    return Flat((Part(value, np.ones(value.shape), np.zeros(value.shape)),))


def fully_connected(
    value: Value | Flat, weight: np.ndarray, bias: np.ndarray, origin: str
) -> Value:
    """Linear layer: ``weight`` (out features, in features), ``bias`` (out features,).

    On a flattened map it is a convolution whose kernel covers the map; a pooling to several cells
    before it becomes part of the kernel.
    """
    if isinstance(value, Value):
        return convolved(value, Kernel(weight[:, :, None, None]), bias, origin)
    terms: list[Term] = []
    start = 0
    for part in value.parts:
        shape = part.value.shape
        whole = weight[:, start : start + part.elements].reshape(-1, *shape)
        bias = bias + np.tensordot(whole, part.bias, 3)
        source = part.value
        if np.any(part.gain != 1):
            whole = whole * part.gain
        if source.cells is not None:
            rows, columns = source.cells
            spread = np.einsum("ocrs,rh,sw->ochw", whole, rows, columns, optimize=True)
            if spread.size > LARGEST_GROWTH * (whole.size + source.channels):
                raise NotLowerable(
                    f"linear after a pooling to {shape[1]} x {shape[2]} cells of unequal size, of "
                    f"{spread.size} weights in one kernel",
                    f"at most {LARGEST_GROWTH} times the {whole.size} of the linear layer",
                )
            whole = spread
            source = replace(source, shape=(shape[0], rows.shape[1], columns.shape[1]), cells=None)
        found = convolved(source, Kernel(whole), bias, origin)
        bias = found.bias
        terms += found.terms
        start += part.elements
    return Value((len(weight), 1, 1), bias, tuple(terms))


def average_pooled(
    value: Value,
    window: Pair,
    stride: Pair,
    padding: Padding,
    origin: str,
    *,
    divide_by: int | None = None,
) -> Value:
    """Average pooling whose windows all count their full area (``divide_by`` in its place)."""
    if window == stride == (1, 1) and padding == NO_PADDING and divide_by in (None, 1):
        return value
    refuse_cells(value)
    size = window_size(value.size, padding, window, stride)
    even = np.full((value.channels, 1, *window), 1.0 / (window[0] * window[1]))
    kernel = Kernel(even, stride, padding, groups=value.channels)
    bias, border = _convolved_constant(value, kernel, size, origin)
    factor = 1.0 if divide_by is None else window[0] * window[1] / divide_by
    terms = tuple(
        averaged(term, window, stride, padding, value.size, size, origin) for term in value.terms
    )
    pooled = Value((value.channels, *size), bias, (*terms, *border))
    if factor == 1.0:
        return pooled
    gain = np.full(pooled.channels, factor)
    return scaled_map(pooled, gain, np.zeros(pooled.channels), origin)


def adaptively_pooled(value: Value, cells: Pair, origin: str) -> Value:
    """Adaptive average pooling to ``cells`` (rows, columns).

    Cells of unequal size stay pending (``Value.cells``): a linear layer can take them in.
    """
    refuse_cells(value)
    if all(extent % count == 0 for extent, count in zip(value.size, cells, strict=True)):
        window = (value.size[0] // cells[0], value.size[1] // cells[1])
        if window == (1, 1):
            return value
        return average_pooled(value, window, window, NO_PADDING, origin)
    windows = [
        [(cell * extent // count, ceil_div((cell + 1) * extent, count)) for cell in range(count)]
        for extent, count in zip(value.size, cells, strict=True)
    ]
    return unevenly_pooled(value, windows)


def unevenly_pooled(value: Value, windows: Sequence[Sequence[Pair]]) -> Value:
    """Average over windows of unequal size: per axis, the (start, stop) of each.

    It stays pending (``Value.cells``).
    """
    averages = []
    for ranges, extent in zip(windows, value.size, strict=True):
        matrix = np.zeros((len(ranges), extent))
        for index, (start, stop) in enumerate(ranges):
            matrix[index, start:stop] = 1.0 / (stop - start)
        averages.append(matrix)
    rows, columns = averages
    return replace(value, shape=(value.channels, len(rows), len(columns)), cells=(rows, columns))


def multiplied(value: Value | Flat, factor: float, origin: str) -> Value | Flat:
    """``factor`` times everything."""
    count = value.elements if isinstance(value, Flat) else value.channels
    return scaled(value, np.full(count, factor), np.zeros(count), origin)


def added(values: Sequence[Value | Flat]) -> Value | Flat:
    """Sum of maps of the same shape."""
    maps = [value for value in values if isinstance(value, Value)]
    return _added_maps(maps) if len(maps) == len(values) else _added_flat(values)


def _added_maps(values: Sequence[Value]) -> Value:
    shapes = {value.shape for value in values}
    if len(shapes) != 1:
        listed = " and ".join(" x ".join(map(str, shape)) for shape in sorted(shapes))
        raise NotLowerable(f"sum of maps of {listed}", "maps of the same shape")
    for value in values:
        refuse_cells(value)
    terms = tuple(term for value in values for term in value.terms)
    return Value(values[0].shape, reduce(np.add, (value.bias for value in values)), terms)


def _added_flat(values: Sequence[Value | Flat]) -> Value | Flat:
    """Sum of flattened maps: of the maps, gains folded in where they are one per channel."""
    maps = []
    for value in values:
        part = value.parts[0] if isinstance(value, Flat) and len(value.parts) == 1 else None
        if part is None:
            raise NotLowerable("sum of vectors of several maps", "a sum of maps")
        maps.append(unflattened(value))
    return flattened(_added_maps(maps))


def unflattened(value: Value | Flat) -> Value:
    """The map that was flattened, with its gain and bias per channel.

    Raises:
        NotLowerable: they differ within a channel, or the vector comes from several maps.
    """
    if isinstance(value, Value):
        return value
    accepted = "a linear layer on the flattened map first, or this before flattening"
    if len(value.parts) != 1:
        raise NotLowerable("vector of several flattened maps", accepted)
    part = value.parts[0]
    gain, bias = part.gain[:, 0, 0], part.bias[:, 0, 0]
    if np.any(part.gain != gain[:, None, None]) or np.any(part.bias != bias[:, None, None]):
        raise NotLowerable("flattened map with constants per element", accepted)
    return scaled_map(part.value, gain, bias, "flatten")


def concatenated(values: Sequence[Value | Flat]) -> Value | Flat:
    """Channels (or elements of vectors) one after the other."""
    maps = [value for value in values if isinstance(value, Value)]
    if len(maps) < len(values):
        parts: list[Part] = []
        for value in values:
            if isinstance(value, Value):
                value = Flat((Part(value, np.ones(value.shape), np.zeros(value.shape)),))
            parts += value.parts
        return Flat(tuple(parts))
    return concatenated_maps(maps)


def concatenated_maps(values: Sequence[Value]) -> Value:
    """Channels one after the other."""
    sizes = {value.size for value in values}
    if len(sizes) != 1:
        raise NotLowerable("concatenation of maps of different sizes", "along the channels")
    for value in values:
        refuse_cells(value)
    terms: list[Term] = []
    start = 0
    for value in values:
        terms += (term.moved(start) for term in value.terms)
        start += value.channels
    bias = np.concatenate([value.bias for value in values])
    return Value((start, *values[0].size), bias, tuple(terms))


def channel_range(value: Value, start: int, stop: int) -> Value:
    """Channels ``start`` to ``stop``."""
    terms = [piece.moved(-start) for term in value.terms for piece in term.cut(start, stop)]
    shape = (stop - start, *value.size)
    return replace(value, shape=shape, bias=value.bias[start:stop], terms=tuple(terms))


def pixels(value: Value, start: Pair, step: Pair, size: Pair, origin: str) -> Value:
    """Every ``step``-th pixel from ``start`` on, ``size`` rows and columns of them."""
    if (start, step, size) == ((0, 0), (1, 1), value.size):
        return value
    back = per_axis(lambda axis: (size[axis] - 1) * step[axis] + 1 - value.size[axis] + start[axis])
    return _in_place(value, step, (-start[0], -start[1], *back), origin)


def padded(value: Value, margins: Padding, channels: Pair, constant: float, origin: str) -> Value:
    """Padded by (top, left, bottom, right) pixels and (front, back) channels of ``constant``."""
    if any(margins):
        inside = value
        value = _in_place(value, (1, 1), margins, origin)
        if constant:
            # The constant everywhere, and taken away again where the map was.
            kernel = Kernel(np.full((value.channels, 1, 1, 1), -constant), padding=margins)
            less = ones_term(inside, kernel).named(origin)
            value = replace(value, bias=value.bias + constant, terms=(*value.terms, less))
    if not any(channels):
        return value
    if min(channels) < 0:
        raise NotLowerable(f"padding of channels by {channels}", "zero or more")
    refuse_cells(value)
    front, back = channels
    bias = np.concatenate([np.full(front, constant), value.bias, np.full(back, constant)])
    terms = tuple(term.moved(front) for term in value.terms)
    return Value((front + value.channels + back, *value.size), bias, terms)


def _in_place(value: Value, stride: Pair, padding: Padding, origin: str) -> Value:
    """A kernel of one tap of one for every channel: moves, crops or strides the map."""
    weight = np.ones((value.channels, 1, 1, 1))
    kernel = Kernel(weight, stride, padding, groups=value.channels)
    return convolved(value, kernel, np.zeros(value.channels), origin)


def refuse_cells(value: Value) -> None:
    """Where a pooling of unequal windows is pending, only a linear layer can be next."""
    if value.cells is not None:
        rows, columns = value.cells
        raise NotLowerable(
            f"average pooling of {rows.shape[1]} x {columns.shape[1]} to "
            f"{rows.shape[0]} x {columns.shape[0]}, cells of unequal size",
            "cells that divide the map, or flatten and a linear layer next",
        )
