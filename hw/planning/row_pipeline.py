"""How many cycles an image takes in a stream: the pipeline of all layers' rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...golden.network.network import IMAGE
from ..design.buffering import Rows, row_model
from ..design.layer_design import LayerDesign
from ..design.queues import SUM_QUEUE_DEPTH, WORD_QUEUE_DEPTH
from .cycles import layer_stages, row_cycles
from .event_counts import NetworkEvents, WindowEvents

#: Images that the pipeline is run for, again and again the given ones.
PIPELINE_IMAGES = 6
#: Sums that wait in registers while nothing leaves a layer: of an output's positions in pool,
#: neurons and words, and of a lane.
POOLED_OUTPUTS_WAITING, SUMS_WAITING = 3, 2


@dataclass(frozen=True, eq=False)
class _LayerTimes:
    """Cycles of each row of a layer, float (images, rows), and how far its ends run apart.

    Attributes:
        taken: of the slowest stage.
        fetched: of the window buffer alone.
        read_ahead: fraction of a row whose windows are read before they are added.
        kept_back: fraction of a row whose sums are complete while nothing of it can leave.
    """

    taken: np.ndarray
    fetched: np.ndarray
    read_ahead: float
    kept_back: float


def pipeline_cycles(
    designs: Sequence[LayerDesign], events: NetworkEvents, spare_rows: Rows
) -> float:
    """Cycles per image of the whole accelerator in a stream of images.

    The rows of ``buffering.py`` with the time that each takes: a layer's row is read once the one
    before has been and the rows that it needs are there, and added when lanes have done with the
    one before; it leaves when every buffer behind has a free slot.
    """
    network = designs[0].network
    times = {design.index: _layer_times(design, events[design.index]) for design in designs}
    pixels = np.full((1, network.input_shape[1]), float(network.input_shape[2]))
    times[IMAGE] = _LayerTimes(pixels, pixels, 0.0, 0.0)
    nodes = row_model(network, spare_rows)
    images = max(PIPELINE_IMAGES, len(events[0][0].units))
    arrived = {id(b): [] for node in nodes.values() for b in node.inputs}
    freed = {id(b): [] for node in nodes.values() for b in node.inputs}
    read = dict.fromkeys(nodes, 0.0)
    ended = dict.fromkeys(nodes, 0.0)
    outputs = set(network.outputs)
    done_at = [0.0] * images
    total = {index: node.rows * images for index, node in nodes.items()}
    moved = True
    while moved:
        moved = False
        for index, node in nodes.items():
            layer = times[index]
            while node.done < total[index] and node.has_rows() and not node.full():
                image, row = divmod(node.done, node.rows)
                begins, opens = read[index], 0.0
                for buffer in node.inputs:
                    last = len(freed[id(buffer)]) + buffer.needed[row]
                    if last:
                        begins = max(begins, arrived[id(buffer)][last - 1])
                for buffer in node.outputs:
                    slot = len(arrived[id(buffer)]) - buffer.slots
                    if row in buffer.kept and slot >= 0:
                        opens = max(opens, freed[id(buffer)][slot])
                place = image % len(layer.taken), row
                taken = layer.taken[place]
                end = max(max(begins, ended[index]) + taken, opens + taken * (1 - layer.kept_back))
                ended[index] = end
                read[index] = max(begins + layer.fetched[place], end - taken * layer.read_ahead)
                for buffer in node.outputs:
                    if row in buffer.kept:
                        buffer.filled += 1
                        arrived[id(buffer)].append(end)
                for buffer in node.inputs:
                    buffer.filled -= buffer.released[row]
                    freed[id(buffer)] += [read[index]] * buffer.released[row]
                node.done += 1
                moved = True
                if index in outputs and row == node.rows - 1:
                    done_at[image] = max(done_at[image], end)
    return (done_at[-1] - done_at[0]) / (images - 1)


def _layer_times(design: LayerDesign, events: Sequence[WindowEvents]) -> _LayerTimes:
    stages = layer_stages(design, events)
    taken = row_cycles(stages)
    if design.graph:
        # Windows and their sums are a few cycles apart, and wait for one another.
        return _LayerTimes(taken, taken, 0.0, 0.0)
    if design.unbuffered:
        return _LayerTimes(taken, taken, 0.0, 0.0)
    reading = [stage for stage in stages if stage.name in ("fetch", "windows")]
    network, groups = design.network, design.groups
    held = float(design.connections[0].unit_queue.depth)
    for connection, counted in zip(design.connections, events, strict=True):
        if not connection.pixels:
            words = counted.slabs[int(connection.row_words)].sum() / max(counted.units.sum(), 1)
            words_held = held if design.alone else WORD_QUEUE_DEPTH
            held = min(held, words_held / max(words, 1))
    read_ahead = held * taken.size / max(groups * events[0].units.sum(), 1)

    of_row = groups * network.shapes[design.index].output[2] * design.positions
    waiting = POOLED_OUTPUTS_WAITING * design.positions + SUMS_WAITING
    if not design.whole_trains:
        of_row *= network.steps
    elif not design.alone:
        waiting += SUM_QUEUE_DEPTH
    return _LayerTimes(taken, row_cycles(reading), min(1.0, read_ahead), min(1.0, waiting / of_row))
