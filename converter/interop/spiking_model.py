"""A network that SpikingJelly converted (``ann2snn``), with its own thresholds.

SpikingJelly is not imported: its modules are known by where their classes come from and by what
they hold.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...golden.errors import RheobaseError
from ...golden.network.network import MAX_STEPS, Coding, PoolRule, Readout
from ...golden.network.time_checks import check_delay, check_steps
from ..data.pixels import normalisation
from ..graph.graph import Graph, OperationKind
from ..graph.refusal import Refusal, refuse
from ..lower.lowered import Lowered
from ..lower.lowering import lower_graph
from ..rewrite.rewrite import prepared
from ..tracing.trace import trace

_PACKAGE = "spikingjelly."
#: Its IF neurons, by class.
_NEURONS = {"IFNode", "HalfThresholdIFNode"}
_ACCEPTED = "IFNode in single-step mode, reset by subtraction (v_reset=None)"


def import_spikingjelly(
    model: nn.Module,
    input_shape: Sequence[int],
    *,
    steps: int,
    mean: float | Sequence[float],
    std: float | Sequence[float],
    delay: int = 0,
    weight_bits: int = 8,
    name: str = "network",
) -> Lowered:
    """The integer network of a network that ``spikingjelly.activation_based.ann2snn`` made.

    Its thresholds and initial potentials are kept, weights are quantised. Where max pooling stands
    in front of neurons it takes the largest current of each step, as there; behind neurons it moves
    in front of them, where the largest of the summed currents is taken.

    Args:
        model: whose neurons are IF neurons that are reset by subtraction; it is not changed.
        input_shape: of an image, (channels, rows, columns).
        steps, delay: T and t0.
        mean, std: of the normalisation of pixels in 0..1, per channel or one for all.
        weight_bits: 2..8.

    Raises:
        RheobaseError: neurons of another kind, parts that no integer network has (all of them are
            named), bad options.
    """
    check_steps("", Coding.RATE, steps, MAX_STEPS[Coding.RATE])
    check_delay("", Coding.RATE, delay, steps)
    shape = tuple(int(extent) for extent in input_shape)
    mean, std = normalisation(mean, std, shape[0])
    plain, neurons = _plain(model)
    traced = trace(plain, shape)
    graph = prepared(traced)
    unknown = [one.name for one in graph.neurons if one.name not in neurons]
    if unknown:
        raise RheobaseError(
            f"model: {', '.join(unknown)} has no threshold, must be {_ACCEPTED}, each called once"
        )
    return lower_graph(
        graph,
        {path: one.threshold for path, one in neurons.items()},
        mean=mean,
        std=std,
        coding=Coding.RATE,
        steps=steps,
        delay=delay,
        readout=Readout.CURRENT,
        rule=_rule(traced),
        weight_bits=weight_bits,
        initial={path: one.initial for path, one in neurons.items()},
        name=name,
    )


class _Spikes(nn.Module):
    """Stands for neurons: their mean is a ReLU in units of the threshold."""

    def __init__(self, threshold: float, initial: float) -> None:
        super().__init__()
        self.threshold, self.initial = threshold, initial

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x)
        return x if self.threshold == 1 else x * (1 / self.threshold)


class _Scaler(nn.Module):
    """Stands for a scaler of all channels, or of each."""

    scale: Tensor

    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        shape = [1] * x.ndim
        shape[1] = self.scale.numel()
        return x * self.scale.reshape(shape)


def _plain(model: nn.Module) -> tuple[nn.Module, dict[str, _Spikes]]:
    """A copy of ``model`` in torch's modules, and its neurons by the name of their operation."""
    replaced: dict[int, Any] = {}
    neurons: dict[str, _Spikes] = {}
    refusals: list[Refusal] = []
    for path, module in model.named_modules():
        if not f"{type(module).__module__}.".startswith(_PACKAGE) or id(module) in replaced:
            continue
        kind = type(module).__name__
        if hasattr(module, "v_threshold"):
            found = _spikes(module)
            if found is None:
                refusals.append(Refusal(path, kind, _ACCEPTED))
                continue
            replaced[id(module)] = neurons[f"{path}.relu"] = found
        elif kind.endswith("VoltageScaler") and getattr(module, "channel_dim", 1) == 1:
            replaced[id(module)] = _Scaler(module.get_buffer("scale").detach().clone())
        else:
            base = next(c for c in type(module).__mro__ if c.__module__.startswith("torch.nn."))
            if base not in (nn.Module, nn.Sequential):
                # A layer of torch that also knows a dimension of time.
                bare = copy.copy(module)
                bare.__class__ = base
                replaced[id(module)] = bare
    refuse(refusals)
    if not neurons:
        raise RheobaseError(f"model: no neurons of SpikingJelly, must have {_ACCEPTED}")
    return copy.deepcopy(model, dict(replaced)).eval(), neurons


def _spikes(module: Any) -> _Spikes | None:
    """What stands for neurons; None where no hardware has them."""
    threshold = np.asarray(module.v_threshold, dtype=np.float64)
    kinds = {kind.__name__ for kind in type(module).__mro__}
    if (
        not kinds & _NEURONS
        or module.v_reset is not None
        or getattr(module, "step_mode", "s") != "s"
        or threshold.size != 1
        or not threshold > 0
    ):
        return None
    # What v is after a reset; v itself may be of the last image.
    start = getattr(module, "_memories_rv", {}).get("v", 0.0)
    return _Spikes(float(threshold), float(start) / float(threshold))


def _rule(graph: Graph) -> PoolRule:
    """Of each step's currents where every max pooling stands in front of neurons."""
    pools = [one for one in graph.operations if one.kind == OperationKind.MAX_POOL]
    in_front = all(_next_kinds(graph, one.name) == {OperationKind.RELU} for one in pools)
    return PoolRule.STEP if in_front else PoolRule.CUMULATIVE


def _next_kinds(graph: Graph, name: str) -> set[OperationKind]:
    """Kinds of the operations behind ``name``, past gains and shifts."""
    found: set[OperationKind] = set()
    for reader in graph.consumers[name]:
        if reader.kind in (OperationKind.AFFINE, OperationKind.NORM):
            found |= _next_kinds(graph, reader.name)
        else:
            found.add(reader.kind)
    return found
