"""How many cycles an image takes: each layer's stages, and the pipeline of all layers' rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..golden.network import IMAGE, Coding, Connection, Network
from .buffering import Rows, row_model
from .event_counts import NetworkEvents, WindowEvents, expected_most
from .event_lane import SUM_QUEUE_DEPTH
from .folding import Folding, LayerFolding, connection_lanes, connection_row_words
from .geometry import window_geometry
from .streamed_readout import is_streamed
from .synapses import fed_groups, fits_parts, is_direct

#: Part of the excess of a unit's busiest lane over the mean that is waited for: with nothing but
#: a register for a lane's sum, and with a queue of sums.
UNEVEN, UNEVEN_QUEUED = 0.5, 0.35
#: The same for lanes of pixels, of the excess over the lane that takes most on the whole.
UNEVEN_PIXELS = 0.15
#: Part of the time of a layer's other stages that its neurons may take: where it is more, sums that
#: come in bursts wait for them. In ``rate`` a sum is one step's, and times differ more.
FIRING_SHARE = {Coding.RADIX: 0.6, Coding.RATE: 0.4}
#: Images that the pipeline of rows is run for, again and again the given ones.
PIPELINE_IMAGES = 6


@dataclass(frozen=True, eq=False)
class Stage:
    """What one stage of a layer takes.

    Attributes:
        name: "lanes", "fetch", "windows" or "neurons".
        cycles: float, (images, rows of outputs).
    """

    name: str
    cycles: np.ndarray

    @property
    def per_image(self) -> float:
        """Cycles of an image, on average."""
        return float(self.cycles.sum() / len(self.cycles))


def layer_stages(
    network: Network, index: int, fold: LayerFolding, events: Sequence[WindowEvents]
) -> tuple[Stage, ...]:
    """What the stages of layer ``index`` take when nothing holds them up.

    Args:
        events: of each of the layer's connections.
    """
    layer, shape = network.layers[index], network.shapes[index]
    groups = -(-layer.out_channels // fold.neurons)
    lanes = connection_lanes(network, index, fold)
    shape_of_rows = events[0].slabs.shape[1:]
    if is_streamed(network, index, fold.neurons):
        (counted,) = events
        taken = counted.units @ np.arange(counted.units.shape[-1]) / lanes[0]
        return (Stage("lanes", taken),)
    fired = groups * fold.turns * shape.output[2] * network.steps
    stages = [Stage("neurons", np.full(shape_of_rows, float(fired)))]
    row_words = connection_row_words(network, index, fold)
    radix = network.coding == Coding.RADIX
    for number, connection in enumerate(layer.connections):
        counted, by_row = events[number], row_words[number]
        pixels = connection.source == IMAGE
        repeats = 1 if radix or layer.sees_only_image or not pixels else network.steps
        fetched = groups * repeats * counted.slabs[int(by_row)]
        walked = _walked(network, index, number)
        stages += [
            Stage("fetch", fetched),
            Stage("windows", np.full(shape_of_rows, walked)),
        ]
        if is_direct(connection):
            stages.append(Stage("lanes", groups * counted.slabs[1]))
            continue
        fed = len(fed_groups(connection, fold.neurons))
        busy = lane_cycles(
            counted, lanes[number], visible_share(connection, fold.neurons), by_row,
            queued=pixels or radix, steps=network.steps,
        )  # fmt: skip
        blank = counted.units.sum(axis=2)
        stages.append(Stage("lanes", repeats * (fed * busy + (groups - fed) * blank)))
    return tuple(stages)


def layer_cycles(
    network: Network, index: int, fold: LayerFolding, events: Sequence[WindowEvents]
) -> tuple[float, str]:
    """Cycles per image of layer ``index`` alone, and the stage that takes most of them."""
    stages = layer_stages(network, index, fold, events)
    slowest = max(stages, key=lambda stage: stage.per_image)
    return image_cycles(stages), slowest.name


def row_cycles(stages: Sequence[Stage]) -> np.ndarray:
    """What a layer takes for each row, (images, rows of outputs): what its slowest stage does."""
    return np.max([stage.cycles for stage in stages], axis=0)


def image_cycles(stages: Sequence[Stage]) -> float:
    """Cycles per image of a layer alone, on average."""
    rows = row_cycles(stages)
    return float(rows.sum() / len(rows))


def fewest_firing(
    network: Network, index: int, fold: LayerFolding, stages: Sequence[Stage]
) -> int | None:
    """F of layer ``index``: the fewest neurons for which its other stages do not wait.

    None, for all P, where neurons cannot take turns, or that is what it takes.

    Args:
        stages: of ``fold`` with all neurons firing at once.
    """
    fires = network.layers[index].threshold is not None
    if not fires or fold.neurons == 1:
        return None
    share = FIRING_SHARE[network.coding]
    neurons = next(stage.per_image for stage in stages if stage.name == "neurons")
    others = max(stage.per_image for stage in stages if stage.name != "neurons")
    for firing in range(1, fold.neurons):
        if fold.neurons % firing == 0 and neurons * fold.neurons / firing <= share * others:
            return firing
    return None


def pipeline_cycles(
    network: Network, folding: Folding, events: NetworkEvents, spare_rows: Rows
) -> float:
    """Cycles per image of the whole accelerator in a stream of images.

    The rows of ``buffering.py`` with the time that each takes: a layer's row begins when the
    layer has given out the one before, the rows that it needs are there, and every buffer behind
    has a free slot.
    """
    times = {
        index: row_cycles(layer_stages(network, index, fold, events[index]))
        for index, fold in enumerate(folding)
    }
    ahead = {IMAGE: 0.0}
    ahead |= {index: _ahead(network, index, fold) for index, fold in enumerate(folding)}
    nodes = row_model(network, spare_rows)
    images = max(PIPELINE_IMAGES, len(events[0][0].units))
    arrived = {id(b): [] for node in nodes.values() for b in node.inputs}
    freed = {id(b): [] for node in nodes.values() for b in node.inputs}
    ended = dict.fromkeys(nodes, 0.0)
    outputs = set(network.outputs)
    left = [0] * images
    done_at = [0.0] * images
    total = {index: node.rows * images for index, node in nodes.items()}
    moved = True
    while moved:
        moved = False
        for index, node in nodes.items():
            while node.done < total[index] and node.has_rows() and not node.full():
                image, row = divmod(node.done, node.rows)
                start, opens = ended[index], 0.0
                for buffer in node.inputs:
                    last = len(freed[id(buffer)]) + buffer.needed[row]
                    if last:
                        start = max(start, arrived[id(buffer)][last - 1])
                for buffer in node.outputs:
                    slot = len(arrived[id(buffer)]) - buffer.slots
                    if row in buffer.kept and slot >= 0:
                        opens = max(opens, freed[id(buffer)][slot])
                taken = network.input_shape[2] if index == IMAGE else times[index]
                if index != IMAGE:
                    taken = taken[image % len(taken), row]
                # Until a slot is free, a row's first sums wait in the lanes' queues.
                end = max(start + taken, opens + taken * (1 - ahead[index]))
                ended[index] = end
                for buffer in node.outputs:
                    if row in buffer.kept:
                        buffer.filled += 1
                        arrived[id(buffer)].append(end)
                for buffer in node.inputs:
                    buffer.filled -= buffer.released[row]
                    freed[id(buffer)] += [end] * buffer.released[row]
                node.done += 1
                moved = True
                if index in outputs and row == node.rows - 1:
                    left[image] += 1
                    done_at[image] = max(done_at[image], end)
    return (done_at[-1] - done_at[0]) / (images - 1)


def _ahead(network: Network, index: int, fold: LayerFolding) -> float:
    """Part of a row whose sums the lanes' queues hold while nothing of it can leave."""
    layer, shape = network.layers[index], network.shapes[index]
    if network.coding == Coding.RATE and not layer.sees_only_image:
        return 0.0
    if sum(connection_lanes(network, index, fold)) == 1 and len(layer.connections) == 1:
        return 0.0
    positions = layer.pool.kernel[0] * layer.pool.kernel[1] if layer.pool else 1
    units = -(-layer.out_channels // fold.neurons) * shape.output[2] * positions
    return min(1.0, SUM_QUEUE_DEPTH / units)


@lru_cache(maxsize=8192)
def lane_cycles(
    counted: WindowEvents, lanes: int, seen: float, by_row: bool, *, queued: bool, steps: int
) -> np.ndarray:
    """Cycles that E = ``lanes`` lanes take for all units, for one group: (images, rows).

    An event takes a cycle, and a plane without any, after the first that has one, a cycle for its
    shift; a unit takes at least what fetching it does. A lane waits for the others' sums of the
    same unit, all the more where it has no queue for its own. Spikes are taken to be dealt at
    random; for pixels a sample of the windows is dealt as the lanes are.
    """
    values = np.flatnonzero(counted.units.any(axis=(0, 1)))
    counts = counted.units[:, :, values]
    if counted.windows is None:
        held = values * seen
        mean = held / lanes
        most = expected_most(held, lanes)
        share = UNEVEN_QUEUED if queued else UNEVEN
    else:
        share = UNEVEN_PIXELS
        channels = max(1, round(counted.windows.pixels.shape[3] * seen))
        events, mean, most = counted.windows.lane_cycles(channels, lanes)
        mean, most = (np.interp(values * seen, events, cycles) for cycles in (mean, most))
    taken = mean + share * np.maximum(most - mean, 0)
    units = counts.sum(axis=2)
    shifts = np.zeros_like(units)
    if counted.planes.shape[2] > 1:
        shifts = _empty_planes(counted.planes, seen / lanes, steps)
    fetched = counted.slabs[int(by_row)] / np.maximum(units, 1e-9)
    least = np.maximum(fetched, 1.0)[:, :, np.newaxis]
    return (counts * np.maximum(taken + shifts[:, :, np.newaxis], least)).sum(axis=2)


def _empty_planes(planes: np.ndarray, share: float, steps: int) -> np.ndarray:
    """Planes of a train without any event for one lane, after the first that has one."""
    chance = (1 - share) ** np.arange(planes.shape[2])
    empty = planes @ chance / np.maximum(planes.sum(axis=2), 1e-9)
    leading = sum(empty**plane for plane in range(1, steps + 1))
    return steps * empty - leading


def visible_share(connection: Connection, neurons: int) -> float:
    """Part of the connection's channels that a group of P = ``neurons`` sees, on average."""
    outputs = connection.out_channels // connection.groups
    parts = 1 if fits_parts(connection, neurons) else 1 + neurons / outputs
    return min(connection.groups, parts) / connection.groups


@lru_cache(maxsize=1024)
def _walked(network: Network, index: int, number: int) -> float:
    """Cycles of the window walker for a row: a column of the footprint each, and one for a job."""
    geometry = window_geometry(network, index, number, 1)
    columns = geometry.output[1]
    return float(geometry.span[1] + (columns - 1) * geometry.advance[1] + columns)
