"""Where a simulation of the accelerator's Verilog finds each layer's spikes and accumulations."""

from __future__ import annotations

from dataclasses import dataclass

from ...golden.network import Network
from ..design.folding import Folding, check_folding, connection_lanes


@dataclass(frozen=True)
class LayerProbe:
    """Signals of module ``accelerator`` that show one layer at work.

    Attributes:
        layer: the layer's name in the network.
        word: the spike word, ``neurons`` bits.
        valid, ready: one bit each; a word leaves the layer in a cycle in which both are set.
        neurons, groups: P, and the groups of P output channels.
        accumulating: the bits of all connections, first to last: an event lane adds an
            accumulation in this cycle, or a neuron of a direct lane a weight.
        bits: bits of each connection: its E, or P where its lane is direct.

    ``word``, ``valid`` and ``ready`` are "" for an output without neurons. Words leave in the
    order: image, output pixel (raster), group, step.
    """

    layer: str
    word: str
    valid: str
    ready: str
    neurons: int
    groups: int
    accumulating: str
    bits: tuple[int, ...]


def probes(network: Network, folding: Folding) -> tuple[LayerProbe, ...]:
    """Probes of every layer, first to last."""
    check_folding(network, folding)
    result = []
    for index, (layer, fold) in enumerate(zip(network.layers, folding, strict=True)):
        fires = layer.threshold is not None
        lanes = connection_lanes(network, index, fold)
        result.append(
            LayerProbe(
                layer=layer.name,
                word=f"layer{index}_spike_word" if fires else "",
                valid=f"layer{index}_spike_valid" if fires else "",
                ready=f"layer{index}_spike_ready" if fires else "",
                neurons=fold.neurons,
                groups=-(-layer.out_channels // fold.neurons),
                accumulating=f"layer{index}_accumulating",
                bits=tuple(count or fold.neurons for count in lanes),
            )
        )
    return tuple(result)


def probe_signals(network: Network, folding: Folding) -> list[str]:
    """Names of all signals of the probes."""
    return [
        signal
        for probe in probes(network, folding)
        for signal in (probe.word, probe.valid, probe.ready, probe.accumulating)
        if signal
    ]
