"""Builders of what only moves values: reshaping, slicing, padding, and what changes nothing."""

from __future__ import annotations

from typing import Any

import torch

from ..graph.graph import OperationKind
from ..graph.graph_builder import Call, Signal
from ..graph.movements import (
    element_numbers,
    gathered_channels,
    gathering_matrix,
    keeps_order,
    picking_convolution,
)


def _rearranged(call: Call, given: dict[str, Any]) -> Signal:
    """Any operation that keeps the order of one image's values."""
    x = given["input"]
    if call.result_shape == x.shape:
        return x
    return call.emit(OperationKind.RESHAPE, x, {"permutation": None})


def _permuted(call: Call, given: dict[str, Any]) -> Signal | None:
    """The order of dimensions, found by moving a tensor whose extents are all different."""
    x = given["input"]
    rank = len(x.shape) + 1
    probe = torch.empty(tuple(range(1, rank + 1)))
    moved = getattr(probe, call.label.strip("_"))(
        *given["rest"],
        **{key: value for key, value in given.items() if key not in ("input", "rest")},
    )
    order = tuple(extent - 1 for extent in moved.shape)
    if order[0] != 0:
        return None
    permutation = tuple(dimension - 1 for dimension in order[1:])
    if permutation == tuple(range(rank - 1)):
        return x
    return call.emit(OperationKind.RESHAPE, x, {"permutation": permutation})


def _moved(call: Call, given: dict[str, Any]) -> Signal | None:
    """Whatever only moves or repeats whole channels, or cells of a map into channels."""
    x = given["input"]
    inputs, function = call.float_call()
    if len(inputs) != 1:
        return None
    moved = function(element_numbers(x.shape))
    if not isinstance(moved, torch.Tensor) or tuple(moved.shape[1:]) != call.result_shape:
        return None
    return _moved_signal(call, x, moved)


def _moved_signal(call: Call, x: Signal, moved: torch.Tensor) -> Signal | None:
    """The operation that turns the numbers of the elements of ``x`` into ``moved``."""
    channels = gathered_channels(moved, x.shape)
    if channels is not None:
        if channels.tolist() == list(range(x.shape[0])):
            return x
        matrix = gathering_matrix(channels, x.shape[0])
        return call.emit(OperationKind.MIX, x, {"matrix": matrix})
    if keeps_order(moved) and moved.numel() == torch.Size(x.shape).numel():
        return call.emit(OperationKind.RESHAPE, x, {"permutation": None})
    picked = picking_convolution(moved, x.shape)
    return None if picked is None else call.emit(OperationKind.CONVOLUTION, x, picked)


def _sliced(
    call: Call, x: Signal, ranges: tuple[tuple[int, int, int], ...], part: str = ""
) -> Signal:
    shape = tuple(len(range(*numbers)) for numbers in ranges)
    if shape == x.shape:
        return x
    return call.emit(OperationKind.SLICE, x, {"ranges": ranges}, shape, part)


def _whole(x: Signal) -> list[tuple[int, int, int]]:
    return [(0, extent, 1) for extent in x.shape]


def _getitem(call: Call, given: dict[str, Any]) -> Signal | None:
    """Slices, numbers, None and an ellipsis; the batch is taken whole."""
    x, index = given["input"], given["index"]
    entries = list(index) if isinstance(index, tuple) else [index]
    if any(isinstance(entry, list | torch.Tensor) for entry in entries):
        return _moved(call, given)
    plain = (int, slice, type(None), type(...))
    if not all(isinstance(entry, plain) for entry in entries):
        return None
    named = sum(entry is not None and entry is not ... for entry in entries)
    missing = [slice(None)] * (len(x.shape) + 1 - named)
    place = entries.index(...) if ... in entries else len(entries)
    entries = [*entries[:place], *missing, *entries[place + 1 :]]
    if entries[0] != slice(None):
        return None
    ranges: list[tuple[int, int, int]] = []
    sizes = iter(x.shape)
    for entry in entries[1:]:
        if entry is None:
            continue
        extent = next(sizes)
        if isinstance(entry, slice):
            ranges.append(entry.indices(extent))
        else:
            ranges.append((entry % extent, entry % extent + 1, 1))
    found = _sliced(call, x, tuple(ranges))
    if found.shape == call.result_shape:
        return found
    return call.emit(OperationKind.RESHAPE, found, {"permutation": None})


def _parts(call: Call, given: dict[str, Any]) -> list[Signal] | None:
    """``chunk`` and its like: one slice per part."""
    x = given["input"]
    shapes = [tuple(shape[1:]) for shape in call.shape]
    rank = len(x.shape)
    if any(len(shape) != rank for shape in shapes):
        return None
    cut = [axis for axis in range(rank) if any(shape[axis] != x.shape[axis] for shape in shapes)]
    if not cut:
        return [x] if len(shapes) == 1 else None
    axis, start, found = cut[0], 0, []
    if sum(shape[axis] for shape in shapes) != x.shape[axis]:
        return None
    for shape in shapes:
        ranges = _whole(x)
        ranges[axis] = (start, start + shape[axis], 1)
        start += shape[axis]
        found.append(_sliced(call, x, tuple(ranges)))
    return found


def _narrow(call: Call, given: dict[str, Any]) -> Signal | None:
    return _range(call, given, int(given["length"]))


def _select(call: Call, given: dict[str, Any]) -> Signal | None:
    found = _range(call, {**given, "start": given["index"]}, 1)
    if found is None:
        return None
    return call.emit(OperationKind.RESHAPE, found, {"permutation": None})


def _range(call: Call, given: dict[str, Any], length: int) -> Signal | None:
    x, start = given["input"], given["start"]
    axis = int(given["dim"]) % (len(x.shape) + 1) - 1
    if axis < 0 or not isinstance(start, int):
        return None
    ranges = _whole(x)
    start %= x.shape[axis]
    ranges[axis] = (start, start + length, 1)
    return _sliced(call, x, tuple(ranges))


def _pad(call: Call, given: dict[str, Any]) -> Signal | None:
    """``functional.pad``, whose numbers start from the last dimension."""
    x, numbers = given["input"], given["pad"]
    mode, value = given.get("mode") or "constant", given.get("value")
    if not all(isinstance(number, int) for number in numbers) or len(numbers) % 2:
        return None
    pairs = [(numbers[at], numbers[at + 1]) for at in range(0, len(numbers), 2)]
    rank = len(x.shape)
    if any(pair != (0, 0) for pair in pairs[rank:]):
        return None
    padding = tuple(reversed(pairs[:rank]))
    padding = ((0, 0),) * (rank - len(padding)) + padding
    if all(pair == (0, 0) for pair in padding):
        return x
    arguments = {"padding": padding, "mode": mode, "value": float(value or 0.0)}
    return call.emit(OperationKind.PAD, x, arguments)


def _constant_pad(call: Call, given: dict[str, Any]) -> Signal | None:
    return _pad(call, {**given, "pad": given["padding"]})


def _reflect_pad(call: Call, given: dict[str, Any]) -> Signal | None:
    return _pad(call, {**given, "pad": given["padding"], "mode": "reflect"})


def _replicate_pad(call: Call, given: dict[str, Any]) -> Signal | None:
    return _pad(call, {**given, "pad": given["padding"], "mode": "replicate"})


def _same(_call: Call, given: dict[str, Any]) -> Signal:
    return given["input"]


def _dropout(call: Call, given: dict[str, Any]) -> Signal:
    # The functions drop by default, whatever mode the model is in.
    if given.get("training", True) and given.get("p", 0.5):
        call.refuse(f"{call.label} that drops in evaluation mode", "training=self.training")
    return call.leave_out("dropout, which does nothing in evaluation mode", given["input"])


SHAPE_BUILDERS = {
    "rearranged": _rearranged,
    "permuted": _permuted,
    "moved": _moved,
    "getitem": _getitem,
    "parts": _parts,
    "narrow": _narrow,
    "select": _select,
    "pad": _pad,
    "constant_pad": _constant_pad,
    "reflect_pad": _reflect_pad,
    "replicate_pad": _replicate_pad,
    "same": _same,
    "dropout": _dropout,
}
