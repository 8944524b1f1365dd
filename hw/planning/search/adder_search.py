"""The fastest P and E that so many adders allow, without a model of area."""

from __future__ import annotations

import numpy as np

from ....golden.network.network import Network
from ...basics.checks import check_range
from ...design.folding import Folding, LayerFolding
from ...design.layer_design import layer_design
from ..cycles import image_cycles, layer_stages
from ..event_counts import NetworkEvents
from .bisection import first_found
from .layer_choices import lane_choices, layer_neurons, within_words

#: What a lane takes besides its adders, in adders: its scanner, queues and share of the join.
LANE_ADDERS = 8


def adder_folding(network: Network, events: NetworkEvents, adders: int) -> Folding:
    """The fastest P and E that ``adders`` adders in all allow, no layer faster than needed.

    For a given time per image each layer takes the fewest adders that keep to it; the least time
    whose adders are enough is searched for.

    Args:
        events: what the windows hold.
        adders: P x E, summed over all connections; where it is too small for P = E = 1
            everywhere, that is the folding.

    Raises:
        RheobaseError: ``adders`` below 1.
    """
    check_range("folding", "adders", adders, 1, None)
    choices = []
    for index in range(len(network.layers)):
        options = []
        for neurons in layer_neurons(network, index):
            for lanes in lane_choices(network, index, neurons, None):
                fold = LayerFolding(neurons, lanes)
                design = layer_design(network, index, fold)
                used = sum(max(1, lanes) for lanes in design.lanes)
                cycles = image_cycles(layer_stages(design, events[index]))
                options.append((used * (neurons + LANE_ADDERS), cycles, used * neurons, fold))
        worthwhile, fastest = [], np.inf
        for _, cycles, used, fold in sorted(options, key=lambda option: option[:2]):
            if cycles < fastest:
                fastest = cycles
                worthwhile.append((cycles, used, fold))
        choices.append(worthwhile)

    def fit(target: float) -> Folding | None:
        chosen = [next((o for o in options if o[0] <= target), None) for options in choices]
        chosen = [option for option in chosen if option is not None]
        if len(chosen) < len(choices) or sum(option[1] for option in chosen) > adders:
            return None
        return tuple(option[2] for option in chosen)

    targets = sorted({cycles for options in choices for cycles, _, _ in options})
    best = first_found(targets, fit)
    return within_words(network, best or tuple(LayerFolding(1, 1) for _ in network.layers))
