"""Where a simulation of the accelerator's Verilog finds each layer's spikes and accumulations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..design.layer_design import LayerDesign


@dataclass(frozen=True)
class LayerProbe:
    """Signals of module ``accelerator`` that show one layer at work.

    Attributes:
        layer: the layer's name in the network.
        word: the spike word, ``neurons`` bits.
        valid, ready: one bit each; a word leaves the layer in a cycle in which both are set.
        neurons, groups: P, and the groups of P output channels.
        step_planes: words of a group at each step. Where there are two, the first has the negative
            spikes.
        accumulating: the bits of all connections, first to last: an event lane adds an
            accumulation in this cycle, or a neuron of a direct lane a weight, or a graph lane a
            plane of a window, or a serial layer an event to a group.
        bits: bits of each connection: its E, or P where its lane is direct, 1 for a graph lane and
            a serial layer.

    ``word``, ``valid`` and ``ready`` are "" for an output without neurons. Words leave in the
    order: image, output pixel (raster), group, step.
    """

    layer: str
    word: str
    valid: str
    ready: str
    neurons: int
    groups: int
    step_planes: int
    accumulating: str
    bits: tuple[int, ...]


def probes(designs: Sequence[LayerDesign]) -> tuple[LayerProbe, ...]:
    """Probes of every layer, first to last."""
    result = []
    for design in designs:
        index = design.index
        result.append(
            LayerProbe(
                layer=design.layer.name,
                word=f"layer{index}_spike_word" if design.fires else "",
                valid=f"layer{index}_spike_valid" if design.fires else "",
                ready=f"layer{index}_spike_ready" if design.fires else "",
                neurons=design.neurons,
                groups=design.groups,
                step_planes=design.step_planes,
                accumulating=f"layer{index}_accumulating",
                bits=(
                    (1,)
                    if design.graph or design.serial
                    else tuple(count or design.neurons for count in design.lanes)
                ),
            )
        )
    return tuple(result)


def probe_signals(designs: Sequence[LayerDesign]) -> list[str]:
    """Names of all signals of the probes."""
    return [
        signal
        for probe in probes(designs)
        for signal in (probe.word, probe.valid, probe.ready, probe.accumulating)
        if signal
    ]
