"""A network that was trained with Brevitas: its integer weights and its scales are kept.

Brevitas is not imported: its modules are known by where their classes come from and by what they
hold.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...golden.errors import RheobaseError
from ...golden.network.network import BYTE_BITS, MAX_STEPS, Coding, Network
from ..data.pixels import normalisation
from ..graph.graph import Graph, OperationKind
from ..graph.refusal import Refusal, refuse
from ..lower.lowered import Lowered
from ..lower.lowering import lower_graph
from ..rewrite.rewrite import prepared
from ..tracing.trace import trace

#: Where Brevitas' layers are; what they are made of is elsewhere.
_PACKAGE = "brevitas.nn."
#: Its layers with weights, by class, and torch's.
_WEIGHTED: dict[str, type[nn.Module]] = {
    "QuantConv1d": nn.Conv1d,
    "QuantConv2d": nn.Conv2d,
    "QuantLinear": nn.Linear,
}
_ACCEPTED = {
    **dict.fromkeys(_WEIGHTED, "with weights of 8 bits at most, zero point 0"),
    "QuantReLU": "unsigned, with one scale",
    "QuantIdentity": "where the image goes into it",
}
_LINEAR = (OperationKind.CONVOLUTION, OperationKind.LINEAR)


@dataclass(frozen=True, eq=False)
class BrevitasImport:
    """What became of a Brevitas network.

    Attributes:
        lowered: the integer network, and what its integers are worth in the model's units.
        kept: names of the layers whose integers are the model's; others were quantised anew.
    """

    lowered: Lowered
    kept: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Brevitas model as {self.network!r}; {len(self.kept)} layers kept as they were"

    @property
    def network(self) -> Network:
        """The integer network."""
        return self.lowered.network


def import_brevitas(
    model: nn.Module,
    input_shape: Sequence[int],
    *,
    mean: float | Sequence[float],
    std: float | Sequence[float],
    name: str = "network",
) -> BrevitasImport:
    """The integer network of a model of Brevitas' layers, in ``radix`` coding.

    A QuantReLU of b bits is a neuron with T = b: both have the levels 0, s .. (2^b - 1) s. The
    integers of QuantConv1d, QuantConv2d and QuantLinear are kept where a channel's have one scale:
    batch normalisation behind them is a part of that scale, while a ``std`` that differs by input
    channel, or branches with different scales that are added, are not. Biases and thresholds are
    rounded to the scale of their channel. A QuantIdentity that the image goes into is left out,
    as pixels are integers.

    Args:
        model: in evaluation mode its scales are as they were trained; it is not changed.
        input_shape: of an image, (channels, rows, columns).
        mean, std: of the normalisation of pixels in 0..1, per channel or one for all.
        name: of the network.

    Raises:
        RheobaseError: layers of another kind, or of bits that no integer network has (all of them
            are named); activations of different bits; bad options.
    """
    shape = tuple(int(extent) for extent in input_shape)
    mean, std = normalisation(mean, std, shape[0])
    plain, found = _plain(copy.deepcopy(model).eval(), shape)
    traced = trace(plain, shape)
    graph = prepared(traced)
    unknown = [one.name for one in graph.neurons if one.name not in found.thresholds]
    if unknown:
        raise RheobaseError(
            f"model: {', '.join(unknown)} has no scale, must be QuantReLU, each called once"
        )
    lowered = lower_graph(
        graph,
        found.thresholds,
        mean=mean,
        std=std,
        coding=Coding.RADIX,
        steps=found.steps,
        largest_integers=_by_operation(traced, found.integers),
        name=name,
    )
    return BrevitasImport(lowered, tuple(layer.name for layer in lowered.layers if layer.kept))


@dataclass(frozen=True, eq=False)
class _Found:
    """What the modules of Brevitas say.

    Attributes:
        thresholds: by the path of a QuantReLU: its largest value.
        integers: by the path of a layer: (channels,), the largest magnitude of its integers.
        steps: bits of all activations.
    """

    thresholds: dict[str, float]
    integers: dict[str, np.ndarray]
    steps: int


def _plain(model: nn.Module, shape: tuple[int, ...]) -> tuple[nn.Module, _Found]:
    """``model`` in torch's modules; it is changed."""
    reads_image = _reading_image(model, shape)
    replaced: dict[str, nn.Module] = {}
    integers: dict[str, np.ndarray] = {}
    scales: dict[str, float] = {}
    bits: dict[str, int] = {}
    refusals: list[Refusal] = []
    module: Any
    for path, module in model.named_modules():
        if not type(module).__module__.startswith(_PACKAGE):
            continue
        kind = type(module).__name__
        if kind in _WEIGHTED:
            quantised = module.quant_weight()
            if not _is_integer(quantised) or int(quantised.bit_width) > BYTE_BITS:
                refusals.append(Refusal(path, kind, _ACCEPTED[kind]))
                continue
            weight = quantised.value.detach()
            replaced[path] = _bare(module, _WEIGHTED[kind], weight)
            rows = (weight / quantised.scale.detach()).flatten(1)
            integers[path] = rows.abs().amax(1).round().double().numpy()
        elif kind == "QuantReLU":
            proxy = module.act_quant
            if not proxy.is_quant_enabled or proxy.is_signed or proxy.scale().numel() != 1:
                refusals.append(Refusal(path, kind, _ACCEPTED[kind]))
                continue
            replaced[path] = nn.ReLU()
            scales[path], bits[path] = float(proxy.scale()), int(proxy.bit_width())
        elif kind == "QuantDropout" or (kind == "QuantIdentity" and path in reads_image):
            replaced[path] = nn.Identity()
        elif path.rpartition(".")[0] not in {*replaced, *(one.path for one in refusals)}:
            refusals.append(Refusal(path, kind, _ACCEPTED.get(kind, ", ".join(_ACCEPTED))))
    refuse(refusals)
    steps = set(bits.values())
    if len(steps) != 1 or not 1 <= max(steps) <= MAX_STEPS[Coding.RADIX]:
        said = ", ".join(f"{path} {width}" for path, width in bits.items()) or "no QuantReLU"
        raise RheobaseError(
            f"model: bits of activations are {said}, must be the same everywhere, "
            f"1..{MAX_STEPS[Coding.RADIX]}"
        )
    for path, module in replaced.items():
        model.set_submodule(path, module)
    thresholds = {path: scale * (2 ** bits[path] - 1) for path, scale in scales.items()}
    return model, _Found(thresholds, integers, steps.pop())


def _is_integer(quantised: Any) -> bool:
    """Whether a tensor of Brevitas is integers around zero times scales by output channel."""
    zero = getattr(quantised, "zero_point", None)
    scale = getattr(quantised, "scale", None)
    if zero is None or scale is None or getattr(quantised, "bit_width", None) is None:
        return False
    by_channel = scale.numel() in (1, len(quantised.value))
    return by_channel and bool(torch.all(zero == 0))


def _bare(module: Any, base: type[nn.Module], weight: Tensor) -> nn.Module:
    """torch's own layer with the weights as quantised."""
    biased = module.bias is not None
    if base is nn.Linear:
        bare: Any = nn.Linear(module.in_features, module.out_features, biased)
    else:
        names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
        sizes = {name: getattr(module, name) for name in names}
        modes = {"groups": module.groups, "padding_mode": module.padding_mode}
        bare = base(**sizes, **modes, bias=biased)
    bare.weight = nn.Parameter(weight)
    if biased:
        bare.bias = nn.Parameter(module.bias.detach().clone())
    return bare


def _reading_image(model: nn.Module, shape: tuple[int, ...]) -> set[str]:
    """Paths of the modules of Brevitas that the image goes into as it is."""
    image = torch.zeros(1, *shape)
    found: set[str] = set()

    def note(path: str) -> Any:
        return lambda _, inputs: found.add(path) if inputs and inputs[0] is image else None

    handles = [
        module.register_forward_pre_hook(note(path))
        for path, module in model.named_modules()
        if type(module).__module__.startswith(_PACKAGE)
    ]
    with torch.no_grad():
        model(image)
    for handle in handles:
        handle.remove()
    return found


def _by_operation(graph: Graph, integers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """``integers`` by the neurons that the layers feed, and by the layers themselves."""
    found = dict(integers)
    for neurons in graph.neurons:
        feeding = [integers[name] for name in _feeding(graph, neurons.name) if name in integers]
        if feeding and len({len(one) for one in feeding}) == 1:
            found[neurons.name] = np.max(feeding, axis=0)
    return found


def _feeding(graph: Graph, name: str) -> set[str]:
    """The linear operations in front of ``name``, past those that hold no weights."""
    found: set[str] = set()
    for source in graph.by_name[name].inputs:
        kind = graph.by_name[source].kind
        if kind in _LINEAR:
            found.add(source)
        elif kind not in (OperationKind.RELU, OperationKind.INPUT):
            found |= _feeding(graph, source)
    return found
