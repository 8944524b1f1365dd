"""How many cycles the stages of a layer take for each row of an image, when nothing stops them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...golden.network.network import Coding, Connection
from ..design.geometry import WindowGeometry
from ..design.layer_design import LayerDesign
from ..design.synapses import fits_kernel_groups
from .event_counts import WindowEvents, expected_most

#: Fraction of the excess of a unit's busiest lane over the mean that is waited for: with nothing
#: but a register for a lane's sum, and with a queue of sums.
UNEVEN, UNEVEN_QUEUED = 0.55, 0.35
#: The same for lanes of pixels, of the excess over the lane that takes most on the whole.
UNEVEN_PIXELS = 0.1
#: Fraction of the excess of fetching and adding each plane, and each slab, in turn, over all of
#: them at once, that a lane without a long queue of words takes.
PLANE_BY_PLANE, SLAB_BY_SLAB = 0.65, 0.12
#: The join takes a unit every other cycle.
JOIN_CYCLES = 2.0
#: A serial layer's sums are given in every other cycle at most.
GIVING_CYCLES = 2
#: Fraction of the time of a layer's other stages that its neurons may take: where it is more, sums
#: that come in bursts wait for them. In ``rate`` a sum is one step's, and times differ more.
FIRING_FRACTION = {Coding.RADIX: 0.6, Coding.RATE: 0.4}
#: The same of a graph layer, whose sums come evenly.
GRAPH_FIRING = 0.85


@dataclass(frozen=True, eq=False)
class Stage:
    """What one stage of a layer takes.

    Attributes:
        name: "lanes", "fetch", "windows", "sums", "neurons" or "additions".
        cycles: float, (images, rows of outputs).
    """

    name: str
    cycles: np.ndarray

    @property
    def per_image(self) -> float:
        """Cycles of an image, on average."""
        return float(self.cycles.sum() / len(self.cycles))


def layer_stages(design: LayerDesign, events: Sequence[WindowEvents]) -> tuple[Stage, ...]:
    """What the stages of a layer take when nothing holds them up.

    Args:
        events: of each of the layer's connections.
    """
    shape_of_rows = events[0].slabs.shape[1:]
    if design.streamed:
        (counted,) = events
        taken = counted.units @ np.arange(counted.units.shape[-1]) / design.lanes[0]
        return (Stage("lanes", taken),)
    if design.serial:
        return (Stage("additions", _serial_cycles(design, events[0])),)
    if design.graph:
        return _graph_stages(design, shape_of_rows)
    network, groups = design.network, design.groups
    columns = network.shapes[design.index].output[2]
    fired = groups * design.turns * columns * design.steps * design.step_planes
    stages = [Stage("neurons", np.full(shape_of_rows, float(fired)))]
    for connection, counted in zip(design.connections, events, strict=True):
        by_row, repeats = connection.row_words, connection.repeats
        fetched = groups * repeats * counted.slabs[int(by_row)]
        units = counted.units.sum(axis=2)
        stages += [
            Stage("fetch", fetched),
            Stage("windows", np.full(shape_of_rows, _walked(connection.geometry))),
            Stage("sums", JOIN_CYCLES * groups * repeats * units),
        ]
        if connection.direct:
            stages.append(Stage("lanes", groups * counted.slabs[1]))
            continue
        fed = len(connection.fed)
        long_units = connection.pixels or network.coding == Coding.RADIX
        busy = lane_cycles(
            counted,
            connection.lanes,
            visible_fraction(connection.connection, design.neurons),
            by_row,
            queued=long_units,
            steps=connection.source_steps,
        )
        stages.append(Stage("lanes", repeats * (fed * busy + (groups - fed) * units)))
    return tuple(stages)


def _graph_stages(design: LayerDesign, shape_of_rows: tuple[int, int]) -> tuple[Stage, ...]:
    """Of a graph layer, whose windows come whatever they hold."""
    (connection,) = design.connections
    rows, columns = design.network.shapes[design.index].output[1:]
    windows = [float(connection.sliding.cycles(row)) for row in range(rows)]
    fired = design.turns * columns * design.steps * design.step_planes
    return (
        Stage("neurons", np.full(shape_of_rows, float(fired))),
        Stage("windows", np.broadcast_to(windows, shape_of_rows).copy()),
    )


def _serial_cycles(design: LayerDesign, counted: WindowEvents) -> np.ndarray:
    """Of a serial layer: its events, its words without any, and what its sums take to be given.

    Words without events that wait behind one with some take no time of their own, which is left
    aside: most come one after another.
    """
    built, connection = design.serial_design, design.connections[0]
    found = counted.units @ np.arange(counted.units.shape[-1])
    trains = built.positions * built.word_groups
    words = trains * connection.source_steps * connection.step_planes
    busy = counted.slabs[1] if connection.pixels else np.minimum(found, words)
    fired = design.turns * (design.steps * design.step_planes if design.fires else 1)
    return found * built.passes + words - busy + built.groups * max(GIVING_CYCLES, fired)


def layer_cycles(design: LayerDesign, events: Sequence[WindowEvents]) -> tuple[float, str]:
    """Cycles per image of a layer alone, and the stage that takes most of them."""
    stages = layer_stages(design, events)
    slowest = max(stages, key=lambda stage: stage.per_image)
    return image_cycles(stages), slowest.name


def row_cycles(stages: Sequence[Stage]) -> np.ndarray:
    """What a layer takes for each row, (images, rows of outputs): what its slowest stage does."""
    return np.max([stage.cycles for stage in stages], axis=0)


def image_cycles(stages: Sequence[Stage]) -> float:
    """Cycles per image of a layer alone, on average."""
    rows = row_cycles(stages)
    return float(rows.sum() / len(rows))


def fewest_firing(design: LayerDesign, stages: Sequence[Stage]) -> int | None:
    """F of a layer: the fewest neurons for which its other stages do not wait.

    None, for all P, where neurons cannot take turns, or that is what it takes.

    Args:
        stages: with all neurons firing at once.
    """
    if not design.fires or design.neurons == 1:
        return None
    if design.serial:  # its sums come once an image
        return 1
    fraction = GRAPH_FIRING if design.graph else FIRING_FRACTION[design.network.coding]
    neurons = next(stage.per_image for stage in stages if stage.name == "neurons")
    others = max(stage.per_image for stage in stages if stage.name != "neurons")
    for firing in range(1, design.neurons):
        if design.neurons % firing == 0 and neurons * design.neurons / firing <= fraction * others:
            return firing
    return None


@lru_cache(maxsize=8192)
def lane_cycles(
    counted: WindowEvents, lanes: int, seen: float, by_row: bool, *, queued: bool, steps: int
) -> np.ndarray:
    """Cycles that E = ``lanes`` lanes take for all units, for one group: (images, rows).

    An event takes a cycle, and a plane without any, after the first that has one, a cycle for its
    shift; a unit takes at least what fetching it does. A lane waits for the others' sums of the
    same unit, all the more where it has no queue for its own. Spikes are taken to be dealt at
    random; for pixels a sample of the windows is dealt as the lanes are. A lane that is alone has
    hardly a queue of words: while a plane has few events, it waits for what is fetched.
    """
    values = np.flatnonzero(counted.units.any(axis=(0, 1)))
    counts = counted.units[:, :, values]
    if counted.windows is None:
        held = values * seen
        mean = held / lanes
        most = expected_most(held, lanes)
        fraction = UNEVEN_QUEUED if queued else UNEVEN
    else:
        fraction = UNEVEN_PIXELS
        channels = max(1, round(counted.windows.pixels.shape[3] * seen))
        events, mean, most = counted.windows.lane_cycles(channels, lanes)
        mean, most = (np.interp(values * seen, events, cycles) for cycles in (mean, most))
    taken = mean + fraction * np.maximum(most - mean, 0)
    units = counts.sum(axis=2)
    shifts = np.zeros_like(units)
    if counted.planes.shape[2] > 1:
        shifts = _empty_planes(counted.planes, seen / lanes, steps)
    fetched = counted.slabs[int(by_row)] / np.maximum(units, 1e-9)
    least = np.maximum(fetched, 1.0)[:, :, np.newaxis]
    cycles = (counts * np.maximum(taken + shifts[:, :, np.newaxis], least)).sum(axis=2)
    if counted.planes.shape[2] > 1 and lanes == 1:
        in_turn = _plane_by_plane(counted, units, seen, by_row, steps)
        cycles += PLANE_BY_PLANE * np.maximum(in_turn - cycles, 0)
    return cycles


def _plane_by_plane(
    counted: WindowEvents, units: np.ndarray, seen: float, by_row: bool, steps: int
) -> np.ndarray:
    """What one lane takes if no plane of a train is fetched while it adds another: (images, rows).

    A slab takes a cycle to fetch, and one for each of its events: events are taken to be dealt to a
    plane's slabs at random (Poisson).
    """
    planes = counted.planes.sum(axis=2)
    blank = units - planes / steps
    slabs = (counted.slabs[int(by_row)] - blank) / np.maximum(planes, 1e-9)
    slabs = np.maximum(slabs, 1.0)[:, :, np.newaxis]
    events = np.arange(counted.planes.shape[2]) * seen
    together = np.maximum(slabs, events)
    in_turn = events + slabs * np.exp(-events / slabs)
    each = together + SLAB_BY_SLAB * (in_turn - together)
    return (counted.planes * each).sum(axis=2) + blank


def _empty_planes(planes: np.ndarray, fraction: float, steps: int) -> np.ndarray:
    """Planes of a train without any event for one lane, after the first that has one."""
    chance = (1 - fraction) ** np.arange(planes.shape[2])
    empty = planes @ chance / np.maximum(planes.sum(axis=2), 1e-9)
    leading = sum(empty**plane for plane in range(1, steps + 1))
    return steps * empty - leading


def visible_fraction(connection: Connection, neurons: int) -> float:
    """Fraction of the connection's channels that a group of P = ``neurons`` sees, on average."""
    outputs = connection.out_channels // connection.groups
    kernel_groups = 1 if fits_kernel_groups(connection, neurons) else 1 + neurons / outputs
    return min(connection.groups, kernel_groups) / connection.groups


def _walked(geometry: WindowGeometry) -> float:
    """Cycles of the window walker for a row: one to its first column, a column and a job each."""
    columns = geometry.output[1]
    return float(1 + geometry.span[1] + (columns - 1) * geometry.advance[1] + columns)
