"""What a reader has to know of a conversion, in lines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .graph.levels import steps_of
from .lower.outside import network_weights
from .signed.choice import kernel_weights

if TYPE_CHECKING:
    from .conversion import Conversion


def summary_lines(conversion: Conversion) -> list[str]:
    """Settings, weights, what was calibrated, and what stays outside the network."""
    snn, balanced = conversion.snn, conversion.balance
    if conversion.lowered is None:
        weights = "float"
    else:
        weights = f"{conversion.network.layers[0].connections[0].weight_bits}-bit"
    lines = [
        f"{snn.coding.value} coding, T = {snn.steps}, t0 = {snn.delay} (first output spike "
        f"expected after {conversion.expected_first_spike:.1f} steps of rate coding), {weights} "
        f"weights, {snn.readout.value} readout"
    ]
    if balanced.iterations:
        end = ", where the thresholds had converged" if balanced.converged else ""
        lines.append(f"balanced in {balanced.iterations} steps of eq. 15{end}")
    if isinstance(conversion.weight_bits, dict):
        widths = ", ".join(f"{name} {bits}" for name, bits in conversion.weight_bits.items())
        lines.append(f"weight bits: {widths}")
    lines += _own_steps(conversion)
    lines.append(_weights_line(conversion))
    lines += _linear_layers(conversion)
    lines += _taking_back(conversion)
    lines += _constant_channels(conversion)
    lines += fit_lines(conversion)
    return lines + [f"outside the network: {path} ({why})" for path, why in conversion.outside]


def _own_steps(conversion: Conversion) -> list[str]:
    """How many layers have which T, where they differ."""
    snn = conversion.snn
    counts = Counter(steps_of(operation, snn.steps) for operation in snn.graph.neurons)
    if set(counts) <= {snn.steps}:
        return []
    listed = ", ".join(f"T = {steps} in {count}" for steps, count in sorted(counts.items()))
    return [f"layers by their T: {listed}"]


def _weights_line(conversion: Conversion) -> str:
    """The model's weights, those that the network holds, and those that nothing depends on."""
    counted = conversion.weights
    where = "float SNN" if conversion.lowered is None else "network"
    line = f"weights: {counted.held} of the model's {counted.model} in the {where}"
    if conversion.lowered is not None:
        kernels, integers = kernel_weights(conversion.graph), network_weights(conversion.network)
        line += f", {integers} integers for {kernels} of its kernels ({integers / kernels:.2f})"
    if counted.unused:
        named = ", ".join(counted.unused[:3])
        more = f" and {len(counted.unused) - 3} more" if len(counted.unused) > 3 else ""
        line += f"; its result does not depend on the others ({named}{more})"
    return line


def _linear_layers(conversion: Conversion) -> list[str]:
    """Which linear layers and slopes fire signed, what they lose, and what others become."""
    lines = []
    for slope, signed, what in (
        (False, True, "linear layers that fire signed"),
        (False, False, "linear layers that are multiplied out"),
        (True, True, "slopes that fire signed"),
        (True, False, "slopes as two layers of ReLU"),
    ):
        found = [x for x in conversion.linear if (x.slope, x.signed) == (slope, signed)]
        listed = ", ".join(f"{layer.name} ({100 * layer.error:.2g} %)" for layer in found)
        if found:
            lines.append(f"{what} (part of their variance that signed neurons lose): {listed}")
    return lines


def _taking_back(conversion: Conversion) -> list[str]:
    neurons = conversion.snn.graph.neurons
    count = sum(operation.arguments["takes_back"] for operation in neurons)
    return [f"neurons that take spikes back: in {count} of {len(neurons)} layers"] if count else []


def _constant_channels(conversion: Conversion) -> list[str]:
    if conversion.lowered is None:
        return []
    layers = [layer for layer in conversion.lowered.layers if layer.spike is not None]
    found = {layer.name: int(layer.constant.sum()) for layer in layers}
    if not any(found.values()):
        return []
    listed = ", ".join(f"{name} {count}" for name, count in found.items() if count)
    return [
        f"constant channels: {sum(found.values())} of {sum(len(x.constant) for x in layers)}, as "
        f"their weights cannot move a neuron within T = {conversion.snn.steps} ({listed})"
    ]


def fit_lines(conversion: Conversion) -> list[str]:
    """What became of the calibration, and which layers kept the weights that it was to change."""
    lines, fit = [], conversion.fit
    if fit is not None:
        how = "held back from the fit" if fit.held_back else "of the fit"
        lines.append(
            f"{'kept' if fit.kept else 'not kept'}: what was fitted; of the model's outputs the "
            f"network leaves {100 * fit.fitted:.2f} % unexplained with it, {100 * fit.plain:.2f} % "
            f"without ({fit.images} images {how})"
        )
    if conversion.calibrated is not None and conversion.calibrated.unchanged:
        reasons: dict[str, list[str]] = {}
        for name, why in conversion.calibrated.unchanged.items():
            reasons.setdefault(why, []).append(name)
        for why, names in reasons.items():
            lines.append(f"weights not fitted (ACP): {', '.join(names)} ({why})")
    return lines
