"""Folding: P neurons and E event lanes of each layer, the only knobs for speed against area."""

from __future__ import annotations

from dataclasses import dataclass

from ..golden.errors import RheobaseError
from ..golden.network import Coding, Network
from .partition import largest_lanes

#: Adders (P x E) that the default folding gives to the layer with the most work.
DEFAULT_ADDERS = 64
#: Share of inputs that is taken to be an event per step where nothing was measured.
DEFAULT_ACTIVITY = {Coding.RATE: 0.15, Coding.RADIX: 0.25}
#: Share of pixel bits that is taken to be set where nothing was measured.
DEFAULT_PIXEL_ACTIVITY = 0.25


@dataclass(frozen=True)
class LayerFolding:
    """Folding of one layer: ``neurons`` is P, ``lanes`` is E."""

    neurons: int
    lanes: int


Folding = tuple[LayerFolding, ...]


def check_folding(network: Network, folding: Folding) -> None:
    """Raise ``RheobaseError`` naming the layer whose P or E is out of range."""
    if len(folding) != len(network.layers):
        raise RheobaseError(
            f"folding: {len(folding)} layers, accepted is one P and E for each of the "
            f"{len(network.layers)} layers"
        )
    for index, (layer, fold) in enumerate(zip(network.layers, folding, strict=True)):
        limits = (
            ("P", fold.neurons, layer.out_channels),
            ("E", fold.lanes, largest_lanes(layer, index == 0)),
        )
        for name, value, high in limits:
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
                raise RheobaseError(
                    f"folding: {name} of layer {layer.name!r} is {value!r}, accepted is 1..{high}"
                )


def window_events_estimate(network: Network, index: int) -> float:
    """Events that the windows of one image hold, guessed from the geometry alone."""
    layer, shape = network.layers[index], network.shapes[index]
    positions = layer.pool.kernel[0] * layer.pool.kernel[1] if layer.pool else 1
    windows = shape.output[1] * shape.output[2] * positions
    inputs = layer.kernel[0] * layer.kernel[1] * layer.in_channels
    if index == 0:
        return windows * inputs * 8 * DEFAULT_PIXEL_ACTIVITY
    return windows * inputs * network.steps * DEFAULT_ACTIVITY[network.coding]


def default_folding(
    network: Network,
    window_events: tuple[float, ...] | None = None,
    adders: int = DEFAULT_ADDERS,
) -> Folding:
    """P and E so that no layer takes longer than the one with the most work.

    The layer with the most work gets about ``adders`` adders; every other layer gets the fewest
    that keep up with it. Neurons come before lanes, since a lane more costs a scanner and a
    neuron more only an adder.

    Args:
        window_events: events per image of each layer's windows (golden statistics on calibration
            images); guessed from the geometry where it is None.
        adders: P x E of the layer with the most work, at least 1.
    """
    if isinstance(adders, bool) or not isinstance(adders, int) or adders < 1:
        raise RheobaseError(f"folding: adders is {adders!r}, accepted is an integer >= 1")
    if window_events is None:
        window_events = tuple(
            window_events_estimate(network, index) for index in range(len(network.layers))
        )
    choices = [_choices(network, index) for index in range(len(network.layers))]

    def cycles(index: int, fold: LayerFolding) -> float:
        groups = -(-network.layers[index].out_channels // fold.neurons)
        return window_events[index] * groups / fold.lanes

    fastest = [
        min(cycles(index, fold) for fold in options if fold.neurons * fold.lanes <= adders)
        for index, options in enumerate(choices)
    ]
    target = max(fastest)
    folding = []
    for index, options in enumerate(choices):
        enough = [fold for fold in options if cycles(index, fold) <= target]
        folding.append(
            min(enough, key=lambda fold: (fold.neurons * fold.lanes, fold.lanes, fold.neurons))
        )
    return tuple(folding)


def _choices(network: Network, index: int) -> list[LayerFolding]:
    """Foldings worth having: the fewest neurons for each number of groups, every E."""
    layer = network.layers[index]
    channels = layer.out_channels
    neurons = sorted({-(-channels // groups) for groups in range(1, channels + 1)})
    lanes = range(1, largest_lanes(layer, index == 0) + 1)
    return [LayerFolding(p, e) for p in neurons for e in lanes]
