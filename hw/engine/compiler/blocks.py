"""Which channels of a layer each of its passes computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain

from ....golden.basics.arithmetic import ceil_div
from ....golden.errors import RheobaseError
from ....golden.network.network import IMAGE, Coding, Layer, Network
from ..design import EngineDesign
from .costs import PassCost, pass_cost, program_cycles
from .maps.densities import Density
from .maps.image_layouts import Layout
from .maps.positions import layer_positions
from .maps.readings import Readings
from .passes.drafts import Block, Draft, PassSteps
from .passes.lane_weights import with_weights
from .passes.sketches import layouts, sketch


@dataclass(frozen=True, eq=False)
class Task:
    """A network, and what its passes are chosen by.

    Attributes:
        readings: of its layers.
        design: of the engine.
        density: of the network's maps.
        word_cycles: cycles in which the memory moves a word.
    """

    network: Network
    readings: Readings
    design: EngineDesign
    density: Density
    word_cycles: float

    def cost(self, draft: Draft) -> PassCost:
        target = self.readings.map_of[draft.block.layer]
        return pass_cost(draft, target, self.density, self.word_cycles)

    def cycles(self, drafts: list[Draft]) -> float:
        """Of an image."""
        return program_cycles(drafts, [self.cost(draft) for draft in drafts])


def network_passes(task: Task, fold: bool, progress: Callable[[int], None] | None) -> list[Draft]:
    """Passes of all layers; with ``fold`` the image may lie window by window.

    Raises:
        RheobaseError: see ``layer_passes``.
    """
    layers = task.network.layers
    of_layers = []
    for index in range(len(layers)):
        of_layers.append(layer_passes(task, index, fold=False))
        if progress is not None:
            progress(1)
    drafts = list(chain(*of_layers))
    for index, layer in enumerate(layers) if fold else ():
        if any(connection.source == IMAGE for connection in layer.connections):
            # What such a layer gains may be time in which later weights were loaded.
            tried = [*of_layers]
            tried[index] = layer_passes(task, index, fold=True)
            others = list(chain(*tried))
            if task.cycles(others) < task.cycles(drafts):
                of_layers, drafts = tried, others
    return drafts


def layer_passes(task: Task, index: int, *, fold: bool) -> list[Draft]:
    """Passes of layer ``index``, of those that fit the engine what is expected to be fastest.

    Raises:
        RheobaseError: none fits; the message names the layer and the limit.
    """
    design, layer = task.design, task.network.layers[index]
    positions, seen = layer_positions(task.network, index), task.readings.of_layers[index]
    found: list[tuple[float, int, int, Layout, bool]] = []
    problem: RheobaseError | None = None
    for size in _block_sizes(design, layer):
        blocks = _blocks(task, index, size)
        # All but the last are as large as the first.
        counts = [(blocks[0], len(blocks) - 1), (blocks[-1], 1)]
        for layout in layouts(design, blocks[0], seen, fold):
            try:
                drafts = [
                    (sketch(design, block, seen, positions, layout), count)
                    for block, count in counts if count
                ]  # fmt: skip
            except RheobaseError as error:
                # Of few channels and single pixels: what stands in their way is in every way.
                problem = error if layout == Layout(1) else problem or error
                continue
            # Groups of a window in one command, or events of several windows looked at once.
            for single in {drafts[0][0].strip == 1, True}:
                cycles = 0.0
                for draft, count in drafts:
                    cost = task.cost(_single(draft) if single else draft)
                    cycles += count * (cost.alone + _waiting(draft, cost))
                found.append((cycles, len(blocks), size, layout, single))
    for _, _, size, layout, single in sorted(found, key=lambda one: (*one[:3], one[4])):
        try:
            chosen = [
                with_weights(sketch(design, block, seen, positions, layout))
                for block in _blocks(task, index, size)
            ]
            return [_single(draft) for draft in chosen] if single else chosen
        except RheobaseError as error:
            problem = error
    raise problem or RheobaseError(f"layer {layer.name!r}: no pass fits the engine")


def _single(draft: Draft) -> Draft:
    """``draft`` with strips of one window."""
    return replace(draft, strip=1)


def _waiting(draft: Draft, cost: PassCost) -> float:
    """Cycles for weights that find no room beside those of a pass as large, and load after it."""
    beyond = max(0, 2 * draft.weight_words - draft.design.weight_words)
    return beyond / draft.weight_words * cost.weights


def _block_sizes(design: EngineDesign, layer: Layer) -> list[int]:
    """Channels that a pass of ``layer`` may have, from many to few: of whole groups, about even.

    Where kernels have groups of their own, such as depthwise ones, less than a group as well: each
    channel adds its events to a few lanes, and as many channels as lanes keep all busy alike.
    """
    groups = ceil_div(layer.out_channels, design.neurons)
    most = min(groups, design.groups)
    counts = {ceil_div(groups, each) for each in range(1, most + 1)}
    sizes = {ceil_div(groups, count) * design.neurons for count in counts}
    if any(connection.groups > 1 for connection in layer.connections):
        sizes |= {turns * design.firing for turns in range(design.fewest_turns, design.turns)}
    return sorted(sizes, reverse=True)


def _blocks(task: Task, index: int, size: int) -> list[Block]:
    """Channels of a layer's passes, ``size`` each but for the last."""
    layer = task.network.layers[index]
    channels, steps = layer.out_channels, _steps(task.network, layer)
    return [
        Block(index, layer.name, first, min(first + size, channels), steps)
        for first in range(0, channels, size)
    ]


def _steps(network: Network, layer: Layer) -> PassSteps:
    """Steps of a layer's passes; a readout of currents begins behind t0."""
    if network.coding == Coding.RADIX:
        return PassSteps()
    if layer.threshold is None:
        return PassSteps(tuple(range(network.delay, network.steps)))
    return PassSteps(tuple(range(network.steps)), each_fires=True)
