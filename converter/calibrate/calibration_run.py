"""Goes through a network layer by layer and fits each one; see ``calibration``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ...golden.basics.arithmetic import ceil_div
from ...golden.network.network import Coding, PoolRule
from ..graph.copied import copied_threshold
from ..graph.graph import Graph, Operation, OperationKind
from ..graph.kernels import run_operation
from ..graph.levels import is_signed, mean_levels, neuron_levels, steps_of
from ..graph.segments import Segment, run_segment, segment_of
from ..snn.firing import Neurons, mean_output, starting
from .calibration_settings import Calibration, Rounding, current_of, layer_names, settled
from .integer_grid import IntegerGrid
from .kernel_fit import KernelFit
from .layer_roles import is_averaged, is_read_out
from .layer_samples import LayerSamples, model_samples
from .least_squares import (
    adjustable,
    channel_sources,
    kernel_groups,
    rounded_weights,
)
from .neuron_search import Search, search_neurons
from .threshold_prior import ThresholdPrior, threshold_prior
from .trains import Trains

#: Why least squares leaves a layer's weights as they are.
READ_OUT = "each channel is an answer, of which there are few examples"
NO_KERNEL = "no single kernel of its own"
UNHELD = "no change of them holds on other images"
#: Neurons per channel, times steps, that the search for thresholds looks at.
_SEARCHED = 2**15
#: ... and the most and the fewest neurons.
_MOST_SEARCHED, _LEAST_SEARCHED = 8192, 512


class CalibrationRun:
    """Goes through the layers in order."""

    def __init__(
        self,
        graph: Graph,
        images: Tensor,
        thresholds: Mapping[str, Tensor],
        coding: Coding,
        steps: int,
        settings: Calibration,
        rule: PoolRule,
        rounding: Rounding | None,
        seed: int,
    ) -> None:
        self.graph, self.images, self.settings = graph, images, settings
        self.coding, self.steps, self.rule = coding, steps, rule
        self.thresholds = {name: value.to(images) for name, value in thresholds.items()}
        self.initial: dict[str, Tensor] = {}
        self.shifts: dict[str, Tensor] = {}
        self.scales: dict[str, Tensor] = {}
        self.errors: dict[str, float] = {}
        self.changed: list[str] = []
        self.unchanged: dict[str, str] = {}
        self._rounding = rounding
        self._settled = settled(settings, graph, coding)
        self._trains = Trains(images, coding, steps, rule, settled=self._settled)
        generator = torch.Generator().manual_seed(seed)
        self._layers, self._kernels = model_samples(graph, images, settings.samples, generator)
        #: The last layer that reads each layer's trains.
        self._last = {}
        for name in layer_names(graph):
            for source in segment_of(graph, current_of(graph, name)).sources:
                self._last[source] = name

    def layer(self, name: str) -> None:
        """Calibrate one layer, and let it fire."""
        operation = self.graph.by_name[name]
        fires = operation.kind == OperationKind.RELU
        current = current_of(self.graph, name)
        if self.graph.by_name[current].kind in (OperationKind.RELU, OperationKind.INPUT):
            segment = Segment(current, (), (current,), frozenset())
        else:
            segment = segment_of(self.graph, current)
        if not (fires and operation.arguments["copy"]):
            self._round(name, segment)
        if fires:
            self._fire(operation, segment)
        else:
            self._fit_output(name, segment)
        for source in self._trains:
            if self._last[source] == name:
                self._trains.forget(source)

    def _fire(self, operation: Operation, segment: Segment) -> None:
        """Fit a layer's neurons, or copy those that they repeat, and let them fire."""
        name = operation.name
        grid = self._grid(name, segment) if name in self.scales else None
        if operation.arguments["copy"]:
            copied = copied_threshold(self.graph, operation, self.thresholds)
            if copied is not None:
                self.thresholds[name] = copied
            neurons = self._starting(operation)
        else:
            neurons = self._fit(operation, segment, grid)
        self.thresholds[name], self.initial[name] = neurons.threshold, neurons.initial
        if bool((neurons.shift != 0).any()):
            self.shifts[name] = neurons.shift
        if name in self._last:
            shown = neurons if grid is None else grid.integer(neurons)
            self._trains.fire(self.graph, segment, operation, shown)

    def _starting(self, operation: Operation) -> Neurons:
        given = operation.arguments
        return starting(
            self.thresholds[operation.name], slope=given["slope"], takes_back=given["takes_back"]
        )

    def _search(self, operation: Operation) -> Search:
        settings, given = self.settings, operation.arguments
        own = given["levels"] is not None or given["readout"]
        return Search(
            thresholds=settings.thresholds and not own,
            shared=settings.shared or is_read_out(self.graph, operation.name),
            initial=settings.initial,
            rounds=0 if is_read_out(self.graph, operation.name) else settings.bias,
        )

    def _fit(self, operation: Operation, segment: Segment, grid: IntegerGrid | None) -> Neurons:
        name, cap = operation.name, operation.arguments["cap"]
        steps = steps_of(operation, self.steps)
        search = self._search(operation)
        averaged = is_averaged(self.graph, name)
        looked_at = self._layers[name] if averaged else self._searched(name)
        wanted = run_operation(operation, looked_at.values)
        weighted = self._adjustable(name, segment) if self.settings.weights else None
        prior = self._prior(operation, looked_at, wanted, search)
        fit: KernelFit | None = None
        if weighted is not None:
            fit = self._kernel_fit(name, segment, weighted)

        def searched(start: Neurons) -> tuple[Neurons, Tensor]:
            currents = self._trains.sampled(self.graph, segment, looked_at.positions)
            return search_neurons(
                currents,
                wanted,
                start,
                search,
                self.coding,
                steps,
                cap,
                grid,
                weights=None if averaged else looked_at.weights,
                places=looked_at.places if averaged else 1,
                prior=prior,
                settled=self._settled,
            )

        if fit is not None and weighted is not None:
            # First what the layer receives, then what it gives.
            for _ in range(2):
                change = fit.change(self._lacking(name))
                if change is None:
                    self.unchanged[name], fit = UNHELD, None
                    break
                self._change(weighted, *change)
            else:
                self.changed.append(name)
        neurons, error = searched(self._starting(operation))
        # Behind max pooling it is another place of the map in each channel that gives.
        pooled = self._kernels[name].name != self._layers[name].name
        for _ in range(0 if pooled else self.settings.weights - 1):
            if fit is None or weighted is None:
                break
            before = self.graph
            fitted_on = self._kernels[name]
            everywhere = self._trains.sampled(self.graph, segment, fitted_on.positions)
            output = mean_output(everywhere, neurons, self.coding, steps, settled=self._settled)
            model = run_operation(operation, fitted_on.values)
            moves = (output.abs() < neurons.threshold) & ((output != 0) | (model != 0))
            change = fit.change(torch.where(moves, model - output, 0.0))
            assert change is not None  # as the first one was not
            self._change(weighted, *change)
            tried, tried_error = searched(neurons)
            if tried_error.sum() >= error.sum():
                self.graph = before
                break
            neurons, error = tried, tried_error
        self.errors[name] = float(error.sum() / wanted.square().mean(dim=0).sum().clamp(min=1e-12))
        return neurons

    def _prior(
        self, operation: Operation, samples: LayerSamples, wanted: Tensor, search: Search
    ) -> ThresholdPrior | None:
        if search.shared or not search.thresholds:
            return None
        steps = steps_of(operation, self.steps)
        levels = mean_levels(is_signed(operation), self.coding, steps)
        averaged = is_averaged(self.graph, operation.name)
        return threshold_prior(
            wanted,
            len(self.images),
            levels,
            operation.arguments["slope"],
            None if averaged else samples.weights,
            averaged=averaged,
        )

    def _searched(self, name: str) -> LayerSamples:
        """Those of a layer's samples that a search looks at."""
        steps = self.steps if self.coding == Coding.RATE and not self._settled else 1
        wanted = min(max(_LEAST_SEARCHED, _SEARCHED // steps), _MOST_SEARCHED)
        return self._layers[name].first(ceil_div(wanted, len(self.images)))

    def _lacking(self, name: str) -> Tensor:
        """What the mean current at the layer's kernel lacks of the model's, (samples, channels).

        Of neurons that are silent in both, nothing: how far below zero they are says nothing.
        """
        operation, samples = self.graph.by_name[name], self._kernels[name]
        segment = segment_of(self.graph, samples.name)
        (mean,) = self._trains.sampled(self.graph, segment, samples.positions, mean=True)
        model = samples.values
        if operation.kind != OperationKind.RELU or is_signed(operation):
            return model - mean
        both = (model <= 0) & (mean <= 0)
        return torch.where(both, 0.0, model.clamp(min=0) - mean)

    def _fit_output(self, name: str, segment: Segment) -> None:
        """An output that is read out: its weights (ACP) and its mean are fitted to the model's."""
        weighted = self._adjustable(name, segment) if self.settings.weights else None
        if weighted is not None:
            change = self._kernel_fit(name, segment, weighted).change(self._lacking(name))
            if change is None:
                self.unchanged[name] = UNHELD
            else:
                self._change(weighted, *change)
                self.changed.append(name)
        found = adjustable(self.graph, segment.current)
        if not self.settings.bias or found is None:
            return
        weighted = self.graph.by_name[found.weighted.name]
        shift = self._lacking(name).mean(dim=0)
        self._replace(weighted.name, weighted.arguments["weight"], _biased(weighted, shift))

    def _adjustable(self, name: str, segment: Segment) -> Operation | None:
        """What least squares may change."""
        found = adjustable(self.graph, segment.current)
        if found is None:
            self.unchanged[name] = NO_KERNEL
        elif is_read_out(self.graph, name):
            self.unchanged[name] = READ_OUT
        elif name not in self.scales:  # else it was changed and rounded before
            return found.weighted
        return None

    def _kernel_fit(self, name: str, segment: Segment, weighted: Operation) -> KernelFit:
        return self._fit_of(name, weighted, self._inputs(name, segment, weighted))

    def _fit_of(self, name: str, weighted: Operation, inputs: Tensor) -> KernelFit:
        samples = self._kernels[name]
        groups = kernel_groups(weighted)
        return KernelFit(inputs, samples.weights, samples.places, self.settings.ridge, groups)

    def _inputs(self, name: str, segment: Segment, weighted: Operation) -> Tensor:
        positions = self._kernels[name].positions
        return self._trains.inputs(self.graph, segment, weighted.name, positions)

    def _change(self, weighted: Operation, weight: Tensor, bias: Tensor) -> None:
        """Add to an operation's weights."""
        operation = self.graph.by_name[weighted.name]
        given = operation.arguments["weight"]
        self._replace(weighted.name, given + weight.reshape(given.shape), _biased(operation, bias))

    def _replace(self, name: str, weight: Tensor, bias: Tensor) -> None:
        changed = {"weight": weight, "bias": bias}
        operations = tuple(
            replace(o, arguments={**o.arguments, **changed}) if o.name == name else o
            for o in self.graph.operations
        )
        self.graph = replace(self.graph, operations=operations)

    def _round(self, name: str, segment: Segment) -> None:
        """Round the layer's kernel where it is the only one and reads spikes or the image.

        A kernel behind a concatenation reads the spikes of all that are concatenated.

        In front of max pooling the kernel is rounded for all places of its map alike.
        """
        bits = None if self._rounding is None else self._rounding.bits.get(name)
        layer = adjustable(self.graph, segment.current)
        if bits is None or layer is None:
            return
        weighted = layer.weighted
        sources = channel_sources(self.graph, weighted.inputs[0])
        if not all(source.name in segment.sources for source in sources):
            return
        worth = torch.cat([self._worth(source) for source in sources])
        weight = weighted.arguments["weight"]
        inputs = self._inputs(name, segment, weighted)
        if self.settings.weights and not is_read_out(self.graph, name):
            # The rounding starts from the weights that suit the spikes.
            change = self._fit_of(name, weighted, inputs).change(self._lacking(name))
            if change is None:
                self.unchanged[name] = UNHELD
            else:
                weight = weight + change[0].reshape(weight.shape)
                self.changed.append(name)
        rounded, scale = rounded_weights(
            weight.flatten(1),
            worth.repeat_interleave(inputs.shape[1] // len(worth)),
            inputs,
            bits,
            per_channel=self.graph.by_name[name].kind == OperationKind.RELU,
            shortcut=self._shortcut(segment, weighted),
            groups=layer.groups,
        )
        # What the mean input gives stays what it was.
        changed = (weighted.arguments["weight"].flatten(1) - rounded).unflatten(
            0, (layer.groups, -1)
        )
        shift = (changed @ inputs.mean(dim=0).reshape(layer.groups, -1, 1)).flatten()
        self._replace(weighted.name, rounded.reshape(weight.shape), _biased(weighted, shift))
        self.scales[name] = scale

    def _levels(self, operation: Operation) -> int:
        """How many spikes (in ``radix``, units of a train) are worth the threshold."""
        return neuron_levels(operation, self.coding, self.steps).full

    def _worth(self, source: Operation) -> Tensor:
        """What a spike (or a pixel's unit) of ``source`` is worth, (channels,)."""
        if source.kind == OperationKind.INPUT:
            assert self._rounding is not None  # pixels are worth nothing else here
            return self._rounding.pixel_worth.to(self.images)
        return self.thresholds[source.name] / self._levels(source)

    def _grid(self, name: str, segment: Segment) -> IntegerGrid:
        """What the layer's parameters can be, now that its weights are integers."""
        scale = self.scales[name].to(self.images)
        steps = self.steps if self.coding == Coding.RATE else 1
        values = {}
        for source in segment.sources:
            operation = self.graph.by_name[source]
            image = operation.kind == OperationKind.INPUT
            zero = torch.zeros(len(self._worth(operation)))
            if image and self._rounding is not None:
                zero = self._rounding.zero_pixel
            values[source] = zero.to(self.images)
        levels = self._levels(self.graph.by_name[name])
        return IntegerGrid(scale, self._response(segment, values), levels, steps)

    def _shortcut(self, segment: Segment, weighted: Operation) -> Tensor:
        """What a spike of each channel's shortcuts adds besides the kernel, (channels,)."""
        nil = {"weight": torch.zeros_like(weighted.arguments["weight"])}
        silent = replace(weighted, arguments={**weighted.arguments, **nil})
        values, nothing = {}, {}
        for source in segment.sources:
            operation = self.graph.by_name[source]
            worth = self._worth(operation).to(self.images)
            image = operation.kind == OperationKind.INPUT
            nothing[source] = torch.zeros_like(worth)
            values[source] = nothing[source] if image else worth
        with_spikes = self._response(segment, values, silent)
        return with_spikes - self._response(segment, nothing, silent)

    def _response(
        self, segment: Segment, values: Mapping[str, Tensor], changed: Operation | None = None
    ) -> Tensor:
        """Current amid a map whose inputs are everywhere ``values`` (channels,): (channels,)."""
        present = tuple(self.graph.by_name[o.name] for o in segment.operations)
        if changed is not None:
            present = tuple(changed if o.name == changed.name else o for o in present)
        maps = {}
        for name, value in values.items():
            shape = self.graph.by_name[name].shape
            maps[name] = value.reshape(-1, *[1] * (len(shape) - 1)).expand(shape)[None, None]
        found = run_segment(replace(segment, operations=present), maps, cumulative=True)
        found = found[0, 0]
        return found[(slice(None), *(extent // 2 for extent in found.shape[1:]))]


def _biased(weighted: Operation, shift: Tensor) -> Tensor:
    """The operation's bias, if it has one, and ``shift`` (channels,)."""
    bias = weighted.arguments["bias"]
    return shift if bias is None else bias + shift
