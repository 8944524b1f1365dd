"""NIR graphs run in the tools that read them: the neurons are snnTorch's or sinabs'."""

from __future__ import annotations

from collections.abc import Callable

import nir
import nirtorch
import numpy as np
import sinabs.layers as sinabs
import snntorch
import torch
from sinabs.activation import MembraneSubtract, SingleSpike
from torch import Tensor, nn
from torch.nn import functional


def _affine(node: nir.Affine | nir.Linear) -> nn.Module:
    bias = getattr(node, "bias", None)
    module = nn.Linear(node.weight.shape[1], node.weight.shape[0], bias=bias is not None)
    return _filled(module, node.weight, bias)


def _convolution(node: nir.Conv2d) -> nn.Module:
    outputs, inputs, *kernel = node.weight.shape
    stride, padding, dilation = (
        tuple(np.broadcast_to(values, 2).tolist())
        for values in (node.stride, node.padding, node.dilation)
    )
    groups = int(node.groups)
    module = nn.Conv2d(inputs * groups, outputs, kernel, stride, padding, dilation, groups)
    return _filled(module, node.weight, node.bias)


def _filled(module: nn.Module, weight: np.ndarray, bias: np.ndarray | None) -> nn.Module:
    module.weight.data = torch.tensor(weight, dtype=torch.float64)
    if bias is not None:
        module.bias.data = torch.tensor(bias, dtype=torch.float64)
    return module


class _Pool(nn.Module):
    """Sum, average or, by rheobase's convention, largest value of windows."""

    def __init__(self, node: nir.SumPool2d | nir.AvgPool2d) -> None:
        super().__init__()
        self.windows = [tuple(map(int, v)) for v in (node.kernel_size, node.stride, node.padding)]
        self.sums = isinstance(node, nir.SumPool2d)
        self.rule = node.metadata.get("pooling_rule")
        self.seen, self.largest = 0.0, 0.0

    def forward(self, x: Tensor) -> Tensor:
        if self.rule == "step":
            return functional.max_pool2d(x, *self.windows)
        if self.rule == "cumulative":
            before = self.largest
            self.seen = self.seen + x
            self.largest = functional.max_pool2d(self.seen, *self.windows)
            return self.largest - before
        kernel, stride, padding = self.windows
        around = (padding[1], padding[1], padding[0], padding[0])
        return functional.avg_pool2d(
            functional.pad(x, around), kernel, stride, divisor_override=1 if self.sums else None
        )


class _Flatten(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


class _Scale(nn.Module):
    def __init__(self, node: nir.Scale) -> None:
        super().__init__()
        self.scale = torch.tensor(node.scale, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class SnnTorchNeurons(nn.Module):
    """``snntorch.Leaky`` that does not leak."""

    def __init__(self, node: nir.IF, images: int) -> None:
        super().__init__()
        threshold = torch.tensor(node.v_threshold, dtype=torch.float64)
        self.leaky = snntorch.Leaky(beta=1.0, threshold=threshold, init_hidden=True)
        start = torch.tensor(node.metadata["initial_potential"], dtype=torch.float64)
        self.leaky.mem = start.expand(images, *threshold.shape).clone()

    def forward(self, x: Tensor) -> Tensor:
        return self.leaky(x)


class SinabsNeurons(nn.Module):
    """``sinabs.layers.IAF`` with one spike at a step, one step at a time."""

    def __init__(self, node: nir.IF, images: int) -> None:
        super().__init__()
        threshold = torch.tensor(node.v_threshold, dtype=torch.float64)
        self.neurons = sinabs.IAF(
            spike_threshold=threshold, spike_fn=SingleSpike, reset_fn=MembraneSubtract()
        )
        start = torch.tensor(node.metadata["initial_potential"], dtype=torch.float64)
        self.start = start.expand(images, *threshold.shape).clone()

    def forward(self, x: Tensor) -> Tensor:
        if self.start is not None:
            self.neurons.init_state_with_shape(x.shape)
            self.neurons.v_mem = self.start
            self.start = None
        return self.neurons(x[:, None])[:, 0]


class _Recorded(nn.Module):
    """Keeps what a module gives at each step."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.given: list[np.ndarray] = []

    def forward(self, x: Tensor) -> Tensor:
        result = self.module(x).double()
        self.given.append(result.numpy().copy())
        return result


_MAPS: dict[type, Callable[..., nn.Module]] = {
    nir.Affine: _affine,
    nir.Linear: _affine,
    nir.Conv2d: _convolution,
    nir.SumPool2d: _Pool,
    nir.AvgPool2d: _Pool,
    nir.Flatten: lambda _: _Flatten(),
    nir.Scale: _Scale,
}


def run_graph(
    graph: nir.NIRGraph,
    images: np.ndarray,
    steps: int,
    neurons: Callable[[nir.IF, int], nn.Module],
) -> dict[str, np.ndarray]:
    """What every node gives, by name: (images, steps, ...).

    ``images`` are what the graph's input is, the same at each step.
    """
    made: dict[int, _Recorded] = {}

    def recorded(node: nir.NIRNode) -> nn.Module:
        module = neurons(node, len(images)) if isinstance(node, nir.IF) else _MAPS[type(node)](node)
        made[id(node)] = _Recorded(module)
        return made[id(node)]

    maps = dict.fromkeys((nir.IF, *_MAPS), recorded)
    module = nirtorch.nir_to_torch(graph, maps, dtype=torch.float64)
    x, state = torch.tensor(images, dtype=torch.float64), {}
    with torch.no_grad():
        for _ in range(steps):
            state = module(x, state)[-1]
    given = {name: made[id(node)].given for name, node in graph.nodes.items() if id(node) in made}
    found = {name: np.stack(values, 1) for name, values in given.items()}
    return found | {target: found[source] for source, target in graph.edges if target not in found}
