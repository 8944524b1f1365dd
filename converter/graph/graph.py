"""The unit of conversion: a traced model as a directed graph of normalised operations.

A ``Graph`` holds what a model computes and nothing of how its forward was written. Every operation
has one of a few kinds, and its ``arguments`` have the same names and forms whether it came from a
module, a function or a tensor's method. All shapes and dimensions leave out the batch: dimension 0
is the channel. ``x`` below is the operation's (first) input.

================= ================================================================================
kind              arguments
================= ================================================================================
INPUT             none; the normalised image
CONVOLUTION       ``weight`` (out, in / groups, *kernel), ``bias`` (out,) or None; ``stride``,
                  ``padding`` (zeros, the same on either side), ``dilation``: one int per spatial
                  dimension (1 to 3 of them); ``groups``. Other padding is a PAD in front of it.
LINEAR            ``weight`` (out, in), ``bias`` (out,) or None; on the last dimension
NORM              batch normalisation in running statistics: ``running_mean``, ``running_var``,
                  ``weight``, ``bias``, all (channels,), and ``eps``; see ``norm_affine``
RELU              ``cap``: None, or the float at which it saturates (ReLU6, Hardtanh, clamp);
                  ``levels``: None, or the steps of a clip-floor-shift activation (QCFS), whose
                  ``cap`` is its threshold and is taken over as it is; ``copy``: True where a
                  rewrite put neurons that only repeat; ``readout``: True for the neurons of a
                  ``count`` readout; ``slope``: None, or (channels,) in (0, 1] of neurons that fire
                  signed: what a negative x is multiplied with (LeakyReLU, PReLU; ones where a
                  rewrite put neurons into something linear); ``steps``: None, or the T of their own
                  with which its neurons fire in ``radix``; ``takes_back``: True where its neurons
                  take spikes back in ``rate`` (``signed.taking_back``)
MAX_POOL          ``kernel``, ``stride``, ``padding``, ``dilation``: tuples, one int per spatial
                  dimension; ``ceil_mode``: bool. A padded position never wins.
AVERAGE_POOL      ``kernel``, ``stride``, ``padding``: tuples; ``ceil_mode``, ``count_include_pad``:
                  bool; ``divisor``: None or an int
MIX               ``matrix`` (out channels, in channels): constant sums of x's channels, such as
                  their order, copies or mean; none of the model's weights
ADAPTIVE_AVERAGE_POOL  ``size``: tuple, one int per spatial dimension
ADD               sum of two or more inputs, as tensors broadcast; ``scales``: one float per input
CONCATENATE       ``dimension``
SLICE             ``ranges``: (start, stop, step) for every dimension of x, non-negative, step >= 1
PAD               ``padding``: (before, after) for every dimension of x (negative ones crop);
                  ``mode``: 'constant', 'reflect', 'replicate' or 'circular'; ``value``: float
RESHAPE           ``permutation``: the order of x's dimensions or None; then ``x.reshape(shape)``
AFFINE            x * ``scale`` + ``shift``: tensors that broadcast to x's shape (or 0-d)
INTERPOLATE       ``size``: tuple; ``mode``: torch's name ('bilinear', 'nearest', ...);
                  ``align_corners``: bool or None. Linear in x.
FLOAT             anything else that can be executed (GroupNorm, softmax, a product of two maps);
                  ``function``: called with the inputs; ``activation``: True for a nonlinearity in
                  ReLU's place (SiLU, GELU, attention), which cannot become neurons; ``role``: what
                  it does to its inputs (``FloatRole``)
================= ================================================================================

Dropout, identities, ``contiguous``, size arithmetic and anything that does not depend on the image
are gone.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn


class OperationKind(StrEnum):
    """What an operation computes; the table above has its arguments."""

    INPUT = "input"
    CONVOLUTION = "convolution"
    LINEAR = "linear"
    NORM = "batch norm"
    RELU = "relu"
    MAX_POOL = "max pool"
    AVERAGE_POOL = "average pool"
    ADAPTIVE_AVERAGE_POOL = "adaptive average pool"
    MIX = "mix"
    ADD = "add"
    CONCATENATE = "concatenate"
    SLICE = "slice"
    PAD = "pad"
    RESHAPE = "reshape"
    AFFINE = "affine"
    INTERPOLATE = "interpolate"
    FLOAT = "float"


#: Kinds that are linear (with a constant part) in their inputs.
LINEAR_KINDS = frozenset(OperationKind) - {
    OperationKind.INPUT,
    OperationKind.RELU,
    OperationKind.MAX_POOL,
    OperationKind.FLOAT,
}
#: Kinds that hold weights of the model.
WEIGHTED_KINDS = frozenset({OperationKind.CONVOLUTION, OperationKind.LINEAR})


@dataclass(frozen=True, eq=False)
class Operation:
    """One node of the graph.

    Attributes:
        name: path of the module in the model, ``#2`` for its second call; a function has its name
            under the path of the module that called it (``layer1.0.add``). Unique in the graph.
        kind: see ``OperationKind``.
        inputs: names of the operations whose results it takes, in order.
        arguments: see the table at the top. Tensors are detached; they share the model's memory
            until ``Graph.to`` moves them.
        shape: of the result, without the batch.
        label: what stands in the model, for messages (``Conv2d``, ``relu``, ``GroupNorm``).
        parameters: names of the model's parameters that it holds, or is computed from.
    """

    name: str
    kind: OperationKind
    inputs: tuple[str, ...]
    arguments: dict[str, Any]
    shape: tuple[int, ...]
    label: str = ""
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Graph:
    """A model as operations.

    Attributes:
        operations: in topological order; the first is the INPUT.
        outputs: label to operation name, in the order of the model's result. The label tells where
            a tensor stands in it: ``out`` alone, ``0`` and ``1`` of a tuple, ``aux``,
            ``cls_logits.0`` of a dictionary that holds a list.
        left_out: (path, why) of what the graph does not hold although the model does, such as
            dropout; nothing of it changes the result.
        parameters: name to number of weights, of all parameters that the model has.
        unused: names of those that the model's result does not depend on.
    """

    operations: tuple[Operation, ...]
    outputs: dict[str, str]
    left_out: tuple[tuple[str, str], ...] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.input_shape))
        return f"Graph of {len(self.operations)} operations on {size}"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of the image, without the batch."""
        return self.operations[0].shape

    @cached_property
    def by_name(self) -> dict[str, Operation]:
        return {operation.name: operation for operation in self.operations}

    @cached_property
    def consumers(self) -> dict[str, tuple[Operation, ...]]:
        """Operations that take each operation's result, each once; outputs are not among them."""
        found: dict[str, list[Operation]] = {operation.name: [] for operation in self.operations}
        for operation in self.operations:
            for name in dict.fromkeys(operation.inputs):
                found[name].append(operation)
        return {name: tuple(operations) for name, operations in found.items()}

    def is_read_once(self, name: str) -> bool:
        """Whether one operation alone takes a result, and no output."""
        return len(self.consumers[name]) == 1 and name not in self.outputs.values()

    @property
    def neurons(self) -> tuple[Operation, ...]:
        """The RELU operations: every one becomes a layer of neurons with thresholds of its own."""
        return tuple(o for o in self.operations if o.kind == OperationKind.RELU)

    def to(self, device: torch.device | str, dtype: torch.dtype = torch.float32) -> Graph:
        """The graph with its tensors on another device and in another floating-point type."""
        return replace(
            self,
            operations=tuple(
                replace(operation, arguments=_moved(operation.arguments, device, dtype))
                for operation in self.operations
            ),
        )


def neuron_arguments(
    *,
    cap: float | None = None,
    levels: int | None = None,
    slope: Tensor | None = None,
    copy: bool = False,
    readout: bool = False,
    steps: int | None = None,
    takes_back: bool = False,
) -> dict[str, Any]:
    """Arguments of a RELU; see the table at the top."""
    return {
        "cap": cap,
        "levels": levels,
        "slope": slope,
        "copy": copy,
        "readout": readout,
        "steps": steps,
        "takes_back": takes_back,
    }


def norm_affine(operation: Operation) -> tuple[Tensor, Tensor]:
    """(gain, shift), each (channels,) in float64 on the CPU, of a NORM: x * gain + shift."""
    values = {
        name: operation.arguments[name].to("cpu", torch.float64)
        for name in ("running_mean", "running_var", "weight", "bias")
    }
    gain = values["weight"] * torch.rsqrt(values["running_var"] + operation.arguments["eps"])
    return gain, values["bias"] - values["running_mean"] * gain


def per_channel(values: Tensor, rank: int) -> Tensor:
    """(channels,) so that it broadcasts against (images, channels, ...) of ``rank`` dimensions."""
    return values.reshape(-1, *[1] * (rank - 2))


def _moved(value: Any, device: torch.device | str, dtype: torch.dtype) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, dtype) if value.is_floating_point() else value.to(device)
    if isinstance(value, nn.Module):
        return copy.deepcopy(value).to(device, dtype)
    if isinstance(value, FloatCall):
        return value.to(device, dtype)
    if isinstance(value, PerImage):
        return PerImage(_moved(value.value, device, dtype))
    if isinstance(value, dict):
        return {key: _moved(entry, device, dtype) for key, entry in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_moved(entry, device, dtype) for entry in value)
    return value


@dataclass(frozen=True, eq=False)
class FloatCall:
    """``function`` of a FLOAT operation: what the model calls, the image's signals left open.

    Attributes:
        target: a module, or any function.
        arguments, keywords: what it is called with; a ``Slot`` stands for an input.
        item: the part of a result that is a tuple or a dictionary, in turn; empty for all of it.
    """

    target: Any
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    item: tuple[Any, ...] = ()

    def __call__(self, *inputs: Tensor) -> Tensor:
        # The model may work in place; what it is given here is wanted elsewhere too.
        inputs = tuple(value.clone() for value in inputs)
        batch = len(inputs[0])
        result = self.target(
            *_filled(self.arguments, inputs, batch), **_filled(self.keywords, inputs, batch)
        )
        for key in self.item:
            result = result[key]
        return result

    def to(self, device: torch.device | str, dtype: torch.dtype) -> FloatCall:
        return replace(
            self,
            target=_moved(self.target, device, dtype),
            arguments=_moved(self.arguments, device, dtype),
            keywords=_moved(self.keywords, device, dtype),
        )


@dataclass(frozen=True)
class Slot:
    """Place of an input in the arguments of a ``FloatCall``."""

    index: int


class BatchSize:
    """Place of the number of images in the arguments of a ``FloatCall``."""


@dataclass(frozen=True, eq=False)
class PerImage:
    """Place of a tensor that is the same for every image: ``value`` (1, ...) in a ``FloatCall``."""

    value: Tensor


def _filled(value: Any, inputs: tuple[Tensor, ...], batch: int) -> Any:
    if isinstance(value, Slot):
        return inputs[value.index]
    if isinstance(value, BatchSize):
        return batch
    if isinstance(value, PerImage):
        return value.value.expand(batch, *value.value.shape[1:])
    if isinstance(value, dict):
        return {key: _filled(entry, inputs, batch) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_filled(entry, inputs, batch) for entry in value)
    return value
