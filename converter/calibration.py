"""Light calibration: every layer is fitted to the model's activations under the spikes it gets.

One pass over a few hundred images, layer by layer, without labels and without gradients. For each
layer the trains of the layers before it (calibrated already) give its currents at every time step;
the model gives the activations that it should have. From a sample of neurons follow

- thresholds: those with the least squared error of the layer's own output at this T;
- initial potentials: v(0) as a part of the threshold, per channel;
- LCP, the light form of Li et al. (2021), "A free lunch from ANN": a shift of each channel's bias
  by the mean error;
- ACP, its weight-adjusting form, here as regularised least squares on the layer's mean inputs in
  place of gradient descent (docs/decisions/0075-acp.md);
- rounded weights, where widths are given: what rounding does to one layer is made good by the
  thresholds and shifts that are found after it.

Errors that come from spike timing are seen as well, since the trains are those of the SNN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..golden.errors import RheobaseError
from ..golden.network import Coding, PoolRule
from .analog import run_graph
from .copied import copied_threshold
from .firing import Neurons, Search, fire, mean_output, search_neurons, starting
from .graph import Graph, Operation, OperationKind
from .least_squares import Regression, adjustable, patches, rounded_weights
from .segments import Segment, run_segment, segment_of

#: Images times steps that pass through a segment at a time.
_BATCHED = 512


@dataclass(frozen=True)
class Calibration:
    """What is calibrated, and on how much.

    Attributes:
        thresholds: search thresholds; else those of the balancing stay.
        shared: one threshold per layer.
        initial: search initial potentials.
        bias: rounds of bias shifts (LCP); 0 for none.
        weights: rounds of weight changes (ACP); 0 for none.
        ridge: what a weight's change costs, as a part of the mean squared input.
        images: calibration images that are used, the first ones.
        samples: neurons per channel that a layer is fitted on.
    """

    thresholds: bool = True
    shared: bool = False
    initial: bool = True
    bias: int = 2
    weights: int = 0
    ridge: float = 0.01
    images: int = 512
    samples: int = 4096


@dataclass(frozen=True, eq=False)
class Calibrated:
    """The network after calibration.

    Attributes:
        graph: with shifted biases (an AFFINE in front of the neurons) and changed weights.
        thresholds, initial: per neuron operation (channels,); v(0) is initial * threshold.
        scales: per operation (channels,): scale of weights that are rounded already.
        errors: per neuron operation, squared error of its output over that of silence.
    """

    graph: Graph
    thresholds: dict[str, Tensor]
    initial: dict[str, Tensor]
    scales: dict[str, Tensor]
    errors: dict[str, float]


@torch.inference_mode()
def calibrate(
    graph: Graph,
    batches: Sequence[Tensor],
    thresholds: Mapping[str, Tensor],
    *,
    coding: Coding,
    steps: int,
    settings: Calibration = Calibration(),
    rule: PoolRule = PoolRule.CUMULATIVE,
    weight_bits: Mapping[str, int] | None = None,
    pixel_worth: Tensor | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Calibrated:
    """Calibrate ``graph`` for T = ``steps``.

    Args:
        graph: prepared, on the device and in the type of the batches.
        batches: normalised images.
        thresholds: of the balancing, per neuron operation (channels,).
        weight_bits: by layer (neuron operation or output): kernels are rounded to so many bits
            before the layer is fitted, where one kernel reads spikes or the image directly.
        pixel_worth: (channels,) of one pixel unit in the normalised image; needed with
            ``weight_bits``.
        seed: of the neurons that are sampled.
        progress: called with 1 after each layer.

    Raises:
        RheobaseError: no images, or settings out of range.
    """
    check_calibration(settings)
    if not batches or not len(batches[0]):
        raise RheobaseError("calibration: no images, accepted is at least one")
    images = torch.cat(tuple(batches))[: settings.images]
    work = _Work(graph, images, thresholds, coding, steps, settings, rule, seed)
    work.weight_bits, work.pixel_worth = dict(weight_bits or {}), pixel_worth
    for name in layer_names(graph):
        work.layer(name)
        if progress is not None:
            progress(1)
    return Calibrated(
        _with_shifts(work.graph, work.shifts), work.thresholds, work.initial, work.scales,
        work.errors,
    )  # fmt: skip


def check_calibration(settings: Calibration) -> None:
    """Raise ``RheobaseError`` where a number is out of range."""
    for field, least in (("bias", 0), ("weights", 0), ("images", 1), ("samples", 16)):
        value = getattr(settings, field)
        if value < least:
            raise RheobaseError(f"calibration {field}: {value}, accepted is an integer >= {least}")
    if not settings.ridge > 0:
        raise RheobaseError(f"calibration ridge: {settings.ridge}, accepted is a positive number")


def layer_names(graph: Graph) -> tuple[str, ...]:
    """Neuron operations, then outputs that are no neurons."""
    neurons = [operation.name for operation in graph.neurons]
    return tuple(dict.fromkeys([*neurons, *graph.outputs.values()]))


class _Work:
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
        seed: int,
    ) -> None:
        self.graph, self.images, self.settings = graph, images, settings
        self.coding, self.steps, self.rule = coding, steps, rule
        self.thresholds = {name: value.to(images) for name, value in thresholds.items()}
        self.initial: dict[str, Tensor] = {}
        self.shifts: dict[str, Tensor] = {}
        self.scales: dict[str, Tensor] = {}
        self.errors: dict[str, float] = {}
        self.weight_bits: dict[str, int] = {}
        self.pixel_worth: Tensor | None = None
        #: Spikes per neuron operation, (steps, images, ...): bool in rate, values in radix.
        self._trains: dict[str, Tensor] = {}
        generator = torch.Generator().manual_seed(seed)
        self._positions = {
            name: _positions(graph.by_name[_current(graph, name)].shape, len(images), settings,
                             generator).to(images.device)
            for name in layer_names(graph)
        }  # fmt: skip
        self._targets = self._model_currents()
        #: The last layer that reads each layer's trains.
        self._last = {}
        for name in layer_names(graph):
            for source in segment_of(graph, _current(graph, name)).sources:
                self._last[source] = name

    def _model_currents(self) -> dict[str, Tensor]:
        """What each layer receives in the model, (samples, channels)."""
        found: dict[str, list[Tensor]] = {name: [] for name in self._positions}
        for start in range(0, len(self.images), 100):
            part = slice(start, start + 100)

            def keep(operation: Operation, current: Tensor, owned: bool) -> Tensor:
                here = self._positions[operation.name][part]  # noqa: B023
                found[operation.name].append(_sampled(current, here))
                return operation.run(current)

            results = run_graph(self.graph, self.images[part], keep)
            for name in dict.fromkeys(self.graph.outputs.values()):
                if self.graph.by_name[name].kind != OperationKind.RELU:
                    here = self._positions[name][part]
                    found[name].append(_sampled(results[name], here))
        return {name: torch.cat(values) for name, values in found.items()}

    def layer(self, name: str) -> None:
        """Calibrate one layer, and let it fire."""
        operation = self.graph.by_name[name]
        fires = operation.kind == OperationKind.RELU
        current = _current(self.graph, name)
        if self.graph.by_name[current].kind in (OperationKind.RELU, OperationKind.INPUT):
            segment = Segment(current, (), (current,), frozenset())
        else:
            segment = segment_of(self.graph, current)
        if fires and operation.arguments["copy"]:
            copied = copied_threshold(self.graph, operation, self.thresholds)
            if copied is not None:
                self.thresholds[name] = copied
            neurons, search = starting(self.thresholds[name]), None
        else:
            neurons, search = None, self._search(operation) if fires else None
            self._round(name, segment)
        target = self._targets[name]
        wanted = operation.run(target) if fires else target
        currents = self._currents(segment)
        if neurons is None and fires:
            neurons, currents = self._fit(name, segment, currents, wanted, search)
        elif not fires:
            self._shift_output(name, segment, currents, wanted)
        if fires:
            self.thresholds[name], self.initial[name] = neurons.threshold, neurons.initial
            if bool((neurons.shift != 0).any()):
                self.shifts[name] = neurons.shift
            if name in self._last:
                self._trains[name] = self._fired(currents, neurons)
        for source in [s for s in self._trains if self._last[s] == name]:
            del self._trains[source]

    def _search(self, operation: Operation) -> Search:
        settings, given = self.settings, operation.arguments
        own = given["levels"] is not None or given["readout"]
        return Search(
            thresholds=settings.thresholds and not own,
            shared=settings.shared,
            initial=settings.initial,
            rounds=settings.bias,
        )

    def _fit(
        self, name: str, segment: Segment, currents: Tensor, wanted: Tensor, search: Search
    ) -> tuple[Neurons, Tensor]:
        operation = self.graph.by_name[name]
        cap = operation.arguments["cap"]
        neurons = starting(self.thresholds[name])
        weighted = self._adjustable(name, segment) if self.settings.weights else None
        seen = None if weighted is None else self._regression(name, segment, weighted)

        def searched(start: Neurons) -> tuple[Neurons, Tensor]:
            sampled = self._sampled_steps(currents, name)
            return search_neurons(sampled, wanted, start, search, self.coding, self.steps, cap)

        if seen is not None:
            # First what the layer receives, then what it gives.
            for _ in range(2):
                sampled = self._sampled_steps(currents, name).mean(dim=0)
                model = self._targets[name]
                both = (model <= 0) & (sampled <= 0)
                change = torch.where(both, 0.0, model.clamp(min=0) - sampled)
                currents = self._change(segment, weighted, *seen.change(change))
        neurons, error = searched(neurons)
        for _ in range(self.settings.weights - 1 if seen is not None else 0):
            before, kept = self.graph, currents
            output = mean_output(
                self._sampled_steps(currents, name), neurons, self.coding, self.steps
            )
            moves = (output < neurons.threshold) & ((output > 0) | (wanted > 0))
            change = torch.where(moves, wanted - output, 0.0)
            currents = self._change(segment, weighted, *seen.change(change))
            tried, tried_error = searched(neurons)
            if tried_error.sum() >= error.sum():
                self.graph, currents = before, kept
                break
            neurons, error = tried, tried_error
        self.errors[name] = float(error.sum() / wanted.square().mean(dim=0).sum().clamp(min=1e-12))
        return neurons, currents

    def _shift_output(self, name: str, segment: Segment, currents: Tensor, wanted: Tensor) -> None:
        """An output that is read out: its mean is made that of the model."""
        weighted = adjustable(self.graph, segment.current)
        if not self.settings.bias or weighted is None:
            return
        sampled = self._sampled_steps(currents, name).mean(dim=0)
        weight, bias = weighted.arguments["weight"], weighted.arguments["bias"]
        shift = (wanted - sampled).mean(dim=0)
        self._replace(weighted.name, weight, shift if bias is None else bias + shift)

    def _adjustable(self, name: str, segment: Segment) -> Operation | None:
        weighted = adjustable(self.graph, segment.current)
        if weighted is not None and name in self.scales:
            return None  # rounded already
        return weighted

    def _regression(self, name: str, segment: Segment, weighted: Operation) -> Regression:
        return Regression(self._inputs(name, segment, weighted), self.settings.ridge)

    def _inputs(self, name: str, segment: Segment, weighted: Operation) -> Tensor:
        """Mean inputs of ``weighted`` at the sampled positions, (samples, inputs)."""
        source = weighted.inputs[0]
        found = []
        for part in self._parts():
            values = self._values(segment, part)
            if source in values:
                mean = values[source].mean(dim=0)
            else:
                _, mean = run_segment(
                    segment, values, cumulative=self.rule == PoolRule.CUMULATIVE, keep=source
                )
            found.append(patches(weighted, mean, self._positions[name][part]))
        return torch.cat(found)

    def _change(
        self, segment: Segment, weighted: Operation, weight: Tensor, bias: Tensor
    ) -> Tensor:
        """Add to an operation's weights; the currents that follow from it."""
        operation = self.graph.by_name[weighted.name]
        given = operation.arguments
        before = given["bias"] if given["bias"] is not None else torch.zeros_like(bias)
        self._replace(
            weighted.name, given["weight"] + weight.reshape(given["weight"].shape), before + bias
        )
        return self._currents(segment_of(self.graph, segment.current))

    def _replace(self, name: str, weight: Tensor, bias: Tensor) -> None:
        changed = {"weight": weight, "bias": bias}
        operations = tuple(
            replace(o, arguments={**o.arguments, **changed}) if o.name == name else o
            for o in self.graph.operations
        )
        self.graph = replace(self.graph, operations=operations)

    def _round(self, name: str, segment: Segment) -> None:
        """Round the layer's kernel where it is the only one and reads spikes or the image."""
        bits = self.weight_bits.get(name)
        weighted = adjustable(self.graph, segment.current)
        if bits is None or weighted is None or weighted.inputs[0] not in segment.sources:
            return
        source = self.graph.by_name[weighted.inputs[0]]
        levels = 1 if self.coding == Coding.RATE else 2**self.steps - 1
        if source.kind == OperationKind.INPUT:
            worth = self.pixel_worth.to(self.images)
        else:
            worth = self.thresholds[source.name] / levels
        weight = weighted.arguments["weight"]
        inputs = self._inputs(name, segment, weighted)
        if self.settings.weights:
            # The rounding starts from the weights that suit the spikes.
            raw = self._sampled_steps(self._currents(segment), name).mean(dim=0)
            model = self._targets[name]
            both = (model <= 0) & (raw <= 0)
            wanted = torch.where(both, 0.0, model.clamp(min=0) - raw)
            change, _ = Regression(inputs, self.settings.ridge).change(wanted)
            weight = weight + change.reshape(weight.shape)
        flat = weight.flatten(1)
        before = inputs @ weighted.arguments["weight"].flatten(1).T
        rounded, scale = rounded_weights(
            flat,
            worth.repeat_interleave(flat.shape[1] // len(worth)),
            inputs,
            bits,
            per_channel=self.graph.by_name[name].kind == OperationKind.RELU,
        )
        bias = weighted.arguments["bias"]
        shift = (before - inputs @ rounded.T).mean(dim=0)
        self._replace(
            weighted.name, rounded.reshape(weight.shape), shift if bias is None else bias + shift
        )
        self.scales[name] = scale

    def _parts(self) -> list[slice]:
        size = max(1, _BATCHED // (self.steps if self.coding == Coding.RATE else 1))
        return [slice(s, s + size) for s in range(0, len(self.images), size)]

    def _values(self, segment: Segment, part: slice) -> dict[str, Tensor]:
        values = {}
        for name in segment.sources:
            if self.graph.by_name[name].kind == OperationKind.INPUT:
                values[name] = self.images[part][None]
                continue
            train = self._trains[name][:, part]
            if self.coding == Coding.RATE:
                level = self.thresholds[name].reshape(-1, *[1] * (train.ndim - 3))
                train = train.to(self.images.dtype) * level
            values[name] = train
        return values

    def _currents(self, segment: Segment) -> Tensor:
        """(steps or 1, images, channels, ...) with the graph's present weights."""
        segment = replace(
            segment, operations=tuple(self.graph.by_name[o.name] for o in segment.operations)
        )
        cumulative = self.rule == PoolRule.CUMULATIVE
        found = []
        for part in self._parts():
            values = self._values(segment, part)
            if segment.operations:
                found.append(run_segment(segment, values, cumulative=cumulative)[0])
            else:
                found.append(values[segment.current])
        return torch.cat(found, dim=1)

    def _sampled_steps(self, currents: Tensor, name: str) -> Tensor:
        """(steps or 1, samples, channels)."""
        return torch.stack([_sampled(step, self._positions[name]) for step in currents])

    def _fired(self, currents: Tensor, neurons: Neurons) -> Tensor:
        found = []
        for part in self._parts():
            values = fire(currents[:, part], neurons, self.coding, self.steps)
            found.append(values > 0 if self.coding == Coding.RATE else values)
        return torch.cat(found, dim=1)


def _current(graph: Graph, name: str) -> str:
    """The operation whose result a layer receives."""
    operation = graph.by_name[name]
    return operation.inputs[0] if operation.kind == OperationKind.RELU else name


def _positions(
    shape: tuple[int, ...], images: int, settings: Calibration, generator: torch.Generator
) -> Tensor:
    """Sampled positions of a flattened map, (images, positions)."""
    extent = 1
    for size in shape[1:]:
        extent *= size
    count = min(extent, max(1, -(-settings.samples // images)))
    return torch.randint(extent, (images, count), generator=generator)


def _sampled(values: Tensor, positions: Tensor) -> Tensor:
    """(images * positions, channels) of (images, channels, ...)."""
    flat = values.flatten(2) if values.ndim > 2 else values[:, :, None]
    index = positions[:, None].expand(-1, flat.shape[1], -1)
    return flat.gather(2, index).transpose(1, 2).flatten(0, 1)


def _with_shifts(graph: Graph, shifts: Mapping[str, Tensor]) -> Graph:
    """Shifts as AFFINE operations in front of neurons, and of the pooling in front of them."""
    operations: list[Operation] = []
    reads: dict[tuple[str, str], str] = {}
    insert: dict[str, list[Operation]] = {}
    for name, shift in shifts.items():
        reader = graph.by_name[name]
        source = graph.by_name[reader.inputs[0]]
        while source.kind == OperationKind.MAX_POOL and len(graph.consumers[source.name]) == 1:
            reader, source = source, graph.by_name[source.inputs[0]]
        added = Operation(
            name=f"{name}.shift",
            kind=OperationKind.AFFINE,
            inputs=(source.name,),
            arguments={
                "scale": torch.ones_like(shift).reshape(-1, *[1] * (len(source.shape) - 1)),
                "shift": shift.reshape(-1, *[1] * (len(source.shape) - 1)),
            },
            shape=source.shape,
            label="calibrated shift",
        )
        insert.setdefault(source.name, []).append(added)
        reads[reader.name, source.name] = added.name
    for operation in graph.operations:
        inputs = tuple(reads.get((operation.name, n), n) for n in operation.inputs)
        operations.append(replace(operation, inputs=inputs))
        operations += insert.get(operation.name, [])
    return replace(graph, operations=tuple(operations))
