"""A trained torch model to a balanced float SNN and a quantised integer IF network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from ..golden.basics.html_table import html_lines
from ..golden.errors import RheobaseError
from ..golden.network.network import Coding, Network, Readout
from .calibrate.calibration import (
    Calibrated,
    Rounding,
    calibrate,
    layer_names,
    used_images,
)
from .calibrate.keeping import Fit, held_back, output_error
from .data.batches import Batches, on_device, split_batches, spread_images
from .data.checkpoints import check_finite
from .data.pixels import Images, as_pixels, normalisation
from .graph.graph import Graph
from .graph.levels import steps_of
from .lower.budget import IMAGES as BUDGET_IMAGES
from .lower.budget import allocated_bits
from .lower.lowered import Lowered
from .lower.lowering import lower_graph
from .lower.outside import Weights, outside, weights_of
from .lower.spike_budget import with_shared_out_steps
from .options import (
    DEFAULT,
    Options,
    balancing_method,
    check_options,
    default_iterations,
    method_name,
)
from .recipes import chosen
from .recording import recorded
from .rewrite.arrangement import with_read_outputs
from .rewrite.rewrite import prepared, with_readout
from .signed.choice import LinearLayer, with_linear_layers
from .signed.taking_back import with_taking_back
from .snn.snn import FloatSnn
from .summary import summary_lines
from .thresholds.balancing import balance
from .thresholds.delay import choose_delay, first_output_spike
from .thresholds.outcome import Balance
from .tracing.trace import trace


@dataclass(frozen=True, eq=False)
class Conversion:
    """A converted model.

    Attributes:
        graph: the model as it was traced and rewritten (``rewrite.prepared``), on the device.
        snn: the float SNN.
        balance: thresholds and mean activations, readout neurons among them in any case.
        expected_first_spike: eq. 19, in steps.
        lowered: the integer network and the scales of its integers; None for a float SNN alone.
        calibrated: what the calibration gave; None without.
        weight_bits: of the kernels, for all layers or by layer.
        fit: how the network compares with one that nothing was fitted to; None where it was not
            asked for.
        linear: linear layers with further weights behind them, and what became of each.
    """

    graph: Graph
    snn: FloatSnn
    balance: Balance
    expected_first_spike: float
    lowered: Lowered | None
    calibrated: Calibrated | None = None
    weight_bits: int | dict[str, int] = 8
    fit: Fit | None = None
    linear: tuple[LinearLayer, ...] = ()

    def __repr__(self) -> str:
        made = f"{self.snn!r}" if self.lowered is None else f"{self.lowered.network!r}"
        weights = f"{self.weights.held:,} of the model's {self.weights.model:,} weights held"
        outside = ", ".join(path for path, _ in self.outside)
        return f"Conversion to {made}; {weights}" + (f"; outside: {outside}" if outside else "")

    def _repr_html_(self) -> str:
        made = "" if self.lowered is None else self.network._repr_html_()
        return html_lines(summary_lines(self)) + made

    @property
    def network(self) -> Network:
        """The integer network.

        Raises:
            RheobaseError: the conversion was asked for the float SNN alone.
        """
        if self.lowered is None:
            raise RheobaseError("network: none, as the options say lower=False")
        return self.lowered.network

    @property
    def thresholds(self) -> dict[str, Tensor]:
        """Per neuron operation of the SNN (channels,), in the model's units."""
        return dict(self.snn.thresholds)

    @cached_property
    def outside(self) -> tuple[tuple[str, str], ...]:
        """(path, why) of what is left out or stays in floating point."""
        return outside(self.graph, lowered=self.lowered is not None)

    @cached_property
    def weights(self) -> Weights:
        """The model's weights, and where they are."""
        return weights_of(self.graph)

    def summary(self) -> list[dict[str, object]]:
        """One row per layer of neurons: name, what feeds it, map, T, weights, range of thresholds.

        Weights are counted in the integer network, so they are None without one.
        """
        weights: dict[str, int] = {}
        if self.lowered is not None:
            for layer in self.network.layers:
                weights[layer.name] = sum(c.weight.size for c in layer.connections)
        rows: list[dict[str, object]] = []
        for operation in self.snn.graph.neurons:
            threshold = self.snn.thresholds[operation.name]
            rows.append(
                {
                    "layer": operation.name,
                    "fed by": operation.inputs[0],
                    "map": " x ".join(map(str, operation.shape)),
                    "T": steps_of(operation, self.snn.steps),
                    "weights": weights.pop(operation.name, None),
                    "threshold": (float(threshold.min()), float(threshold.max())),
                }
            )
        for name, count in weights.items():
            shape = self.graph.by_name[name].shape if name in self.graph.by_name else ()
            size = " x ".join(map(str, shape))
            rows.append(
                {
                    "layer": name,
                    "fed by": "",
                    "map": size,
                    "T": None,
                    "weights": count,
                    "threshold": None,
                }
            )
        return rows


def convert(
    model: nn.Module,
    images: Images,
    *,
    mean: float | Sequence[float],
    std: float | Sequence[float],
    options: Options = DEFAULT,
    name: str = "network",
    classes: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
    layer_progress: Callable[[int], None] | None = None,
) -> Conversion:
    """Convert ``model`` with ``images`` to balance on; no labels, no gradients, no training.

    Args:
        images: uint8, (images, channels, rows, columns); (images, channels, frames, rows, columns)
            for video. A torch tensor, a list of one array for each image, or a DataLoader does as
            well (``as_pixels``).
        mean, std: the model's normalisation of pixels in 0..1, per channel (one value for all).
        classes: names of the classes, for the network's file.
        progress: called with the number of images that each batch finished.
        layer_progress: called with 1 after each layer that was calibrated.

    Raises:
        RheobaseError: the model cannot be converted (every such module is named), or bad options.
    """
    check_options(options)
    options = chosen(options)
    check_finite(model, "model")
    images = as_pixels(images)
    mean, std = normalisation(mean, std, int(images.shape[1]))
    graph = prepared(trace(model, tuple(int(extent) for extent in images.shape[1:])))
    conversion = convert_graph(
        graph,
        Batches(images, mean, std),
        mean=mean,
        std=std,
        options=options,
        name=name,
        progress=progress,
        layer_progress=layer_progress,
    )
    return recorded(
        conversion,
        images,
        mean=mean,
        std=std,
        model=type(model).__name__,
        method=method_name(options),
        classes=classes,
    )


def convert_graph(
    graph: Graph,
    batches: Sequence[Tensor],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    options: Options = DEFAULT,
    name: str = "network",
    progress: Callable[[int], None] | None = None,
    layer_progress: Callable[[int], None] | None = None,
) -> Conversion:
    """``convert`` for a graph that is prepared already, and normalised images in batches.

    A batch is asked for each time that it is needed, and not kept (``data.batches``).
    """
    check_options(options)
    options = chosen(options)
    if not options.lower and not graph.neurons:
        raise RheobaseError(
            "model: nothing in it spikes, accepted for a float SNN is a model with ReLU, ReLU6, "
            "QCFS or a clamp from 0"
        )
    batches = on_device(batches, options.device)
    linear: tuple[LinearLayer, ...] = ()
    if options.lower:
        graph, linear = with_linear_layers(
            graph.to(options.device),
            batches,
            coding=options.coding,
            steps=options.steps,
            growth=options.growth,
        )
    if options.spike_budget is not None:
        graph = with_shared_out_steps(
            graph.to(options.device), batches, options.steps, options.spike_budget
        )
    if options.take_back:
        graph = with_taking_back(graph, counted=options.readout == Readout.COUNT)
    given = {"mean": mean, "std": std, "name": name, "progress": progress}
    if options.calibration is None or not options.only_if_better:
        made = _converted(graph, batches, batches, options, layer_progress=layer_progress, **given)
        return replace(made, linear=linear)
    images = sum(len(batch) for batch in batches)
    used = used_images(options.calibration, images, options.coding, options.steps)
    # What is held back does not leave fewer images to fit on.
    counted = replace(options.calibration, images=used, passes=math.inf)
    options = replace(options, calibration=counted)
    count = held_back(images, used, options.steps if options.coding == Coding.RATE else 1)
    held, seen = split_batches(batches, count)
    fitted = _converted(graph, batches, seen, options, layer_progress=layer_progress, **given)
    alone = replace(options, calibration=None, calibrate_first=False, iterations=None)
    plain = _converted(graph, batches, (), alone, **{**given, "progress": None})
    held = held or [batches[0]]
    errors = [
        output_error(
            graph.to(options.device), made.snn, made.lowered and made.network, held, mean, std
        )
        for made in (fitted, plain)
    ]
    kept = errors[0] <= errors[1]
    fit = Fit(kept, errors[0], errors[1], sum(len(batch) for batch in held), count > 0)
    return replace(fitted if kept else plain, fit=fit, linear=linear)


def _converted(
    graph: Graph,
    batches: Sequence[Tensor],
    fitted_on: Sequence[Tensor],
    options: Options,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    name: str,
    progress: Callable[[int], None] | None = None,
    layer_progress: Callable[[int], None] | None = None,
) -> Conversion:
    """One conversion as ``options`` say, calibrated on ``fitted_on``, both on the device."""
    whole = with_readout(graph.to(options.device))
    counted = options.readout == Readout.COUNT
    spiking = whole if counted else graph.to(options.device)

    def balanced_on(on: Graph, shown: Callable[[int], None] | None) -> Balance:
        return balance(
            on,
            batches,
            method=balancing_method(options),
            iterations=default_iterations(options)
            if options.iterations is None
            else options.iterations,
            percentile=options.percentile,
            learning_rate=options.learning_rate,
            levels=(options.coding, options.steps),
            progress=shown,
        )

    balanced = balanced_on(whole, progress)
    names = {operation.name for operation in spiking.neurons}
    thresholds = {
        name: value.to(options.device)
        for name, value in balanced.thresholds.items()
        if name in names
    }
    bits: int | dict[str, int] = options.weight_bits
    read = with_read_outputs(spiking)
    if options.weight_budget is not None:
        bits = allocated_bits(
            read, spread_images(batches, BUDGET_IMAGES), thresholds, options.weight_budget
        )
    calibrated = None
    if options.calibration is not None:
        layers = layer_names(read)
        calibrated = calibrate(
            read,
            fitted_on,
            thresholds,
            coding=options.coding,
            steps=options.steps,
            settings=options.calibration,
            rule=options.rule,
            rounding=_rounding(
                dict.fromkeys(layers, bits) if isinstance(bits, int) else bits, mean, std
            )
            if options.lower and not options.calibrate_first
            else None,
            progress=layer_progress,
        )
        spiking = replace(calibrated.graph, outputs=spiking.outputs)
        thresholds = calibrated.thresholds
        if options.calibrate_first:
            again = balanced_on(spiking if counted else with_readout(spiking), None)
            balanced = again
            thresholds = {name: again.thresholds[name].to(options.device) for name in names}
    expected = first_output_spike(whole, balanced)
    delay = options.delay
    if delay is None:
        delay = default_delay(spiking, balanced, options)
    initial = None if calibrated is None or options.calibrate_first else calibrated.initial
    snn = FloatSnn(
        graph=spiking,
        thresholds=thresholds,
        coding=options.coding,
        rule=options.rule,
        steps=options.steps,
        delay=delay,
        initial=0.5 if initial is None else initial,
    )
    lowered = None
    if options.lower:
        lowered = lower_graph(
            spiking,
            snn.thresholds,
            mean=mean,
            std=std,
            coding=options.coding,
            steps=options.steps,
            delay=delay,
            readout=options.readout,
            rule=options.rule,
            weight_bits=bits,
            initial=initial,
            weight_scales=calibrated.scales if calibrated is not None else None,
            name=name,
        )
    return Conversion(graph, snn, balanced, expected, lowered, calibrated, bits)


def _rounding(bits: Mapping[str, int], mean: Sequence[float], std: Sequence[float]) -> Rounding:
    """What calibration needs to know of the integers that lowering makes."""
    worth = 1.0 / (255.0 * torch.tensor(std, dtype=torch.float32))
    pixel = 255.0 * torch.tensor(mean, dtype=torch.float32)
    return Rounding(bits, worth, (pixel.round().clamp(0, 255) - pixel) * worth)


def default_delay(graph: Graph, balanced: Balance, options: Options) -> int:
    """t0 of ``options`` for the graph that runs, with its readout neurons if it has any."""
    counted = options.readout == Readout.COUNT
    # What was fired too early is taken back, and belongs to the sum.
    delayed = options.delayed and not options.take_back
    if options.coding == Coding.RATE and (counted or delayed):
        return choose_delay(first_output_spike(graph, balanced), options.steps)
    # Summed currents have no last threshold to wait for (docs/decisions/0004-delay.md).
    return 0
