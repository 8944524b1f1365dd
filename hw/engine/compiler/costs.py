"""What a pass takes, by what bounds it: adders, scanning, the memory or neurons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ....golden.basics.arithmetic import ceil_div
from ..design import CHUNK_CYCLES
from ..memory_port import BURST_WORDS
from ..program import TABLES, pass_record
from ..words import stream_words
from .maps.densities import Density
from .maps.stored_maps import StoredMap, SuperPixel, turn_words
from .passes.chunks import Part
from .passes.drafts import Draft, DraftSource

#: How much the channels of a map differ in spikes, standard deviation over mean: 0.23 to 0.85 in
#: the first eight maps of ResNet-20, of one image; this is the mean.
CHANNEL_SPREAD = 0.6
#: Cycles of a memory's command beside those of its words.
COMMAND_CYCLES = 1.0
#: Cycles between passes beside those in which the next one's sources and first rows are read:
#: queues run dry, and what was written leaves.
PASS_CYCLES = 200


@dataclass(frozen=True)
class PassCost:
    """Cycles of a pass if nothing else bounded it.

    Attributes:
        adders: events of the lane that has most, for each group.
        window: words of the row buffer that windows see.
        memory: words of maps that are moved.
        commands: to the memory, that move them.
        fill: words and commands of the rows that the first row of windows sees.
        neurons: turns, of each chunk, or what the maximum behind them compares.
        tables: words of its head and tables, before it begins.
        first_tables: of them those that come before its first rows are read.
        weights: words of its weights, which load while other passes run.
        accumulations: events of all lanes, for each group.
        memory_words: that are moved, of maps, tables and weights.
    """

    adders: float
    window: float
    memory: float
    commands: float
    fill: float
    neurons: float
    tables: float
    first_tables: float
    weights: float
    accumulations: float
    memory_words: int

    @property
    def running(self) -> float:
        """Cycles from its first row on: first rows beside tables, then what takes longest."""
        begins = max(self.fill, self.tables - self.first_tables)
        return max(self.moving, begins + max(self.adders, self.window, self.neurons))

    @property
    def words(self) -> float:
        """Cycles of all words that it moves, those of its weights too."""
        return self.memory + self.tables + self.weights

    @property
    def moving(self) -> float:
        """Cycles of the memory."""
        return self.memory + self.commands

    def after(self, waits: float) -> float:
        """Cycles from the end of the pass before it to its own, where its weights come late."""
        return self.running + self.first_tables + waits + PASS_CYCLES

    @property
    def alone(self) -> float:
        """Cycles that it takes among passes like it: all weights are moved some time."""
        return max(self.running, self.moving + self.weights) + self.first_tables + PASS_CYCLES


def pass_cost(draft: Draft, target: StoredMap, density: Density, word_cycles: float) -> PassCost:
    """Of ``draft``, which writes to ``target``; the memory moves a word in ``word_cycles``."""
    design, positions = draft.design, draft.positions
    windows = positions.rows * positions.columns
    events, squares = np.zeros(design.lanes), np.zeros(design.lanes)
    words = 0.0
    for chunk in draft.chunks:
        for part in chunk.parts:
            seen_source = draft.sources[draft.seen[part.reading].source]
            source = seen_source.source
            # Of a mean window, one at an edge included.
            rows = len(part.rows) / len(part.phases)
            seen = [operation.events for phase in part.phases for operation in phase]
            events += density(source) * rows * np.sum(seen, axis=0)
            if isinstance(source, StoredMap):
                of_channels = density(source) * rows * _channel_events(seen_source.pixel, part)
                squares += (of_channels**2).sum(axis=0)
            words += rows * len(seen) + 1
    pixels = positions.row_pool.windows * positions.column_pool.windows
    moved = pixels * draft.block.out_turns * turn_words(target.kind) * target.digit_rows
    commands = write_commands(draft, target)
    fill = 0.0
    for source in draft.sources:
        rows = read_rows(source, positions.rows)
        row_commands = source.pieces * ceil_div(source.piece_words, BURST_WORDS)
        moved += rows * source.read_words
        commands += rows * row_commands
        row_cycles = source.read_words * word_cycles + row_commands * COMMAND_CYCLES
        fill += read_rows(source, 1) * row_cycles
    weights = stream_words(design, draft.weight_stride, draft.group_turns)
    tables, first_tables = table_words(draft, TABLES), table_words(draft, ["sources"])
    return PassCost(
        adders=windows * draft.groups * _busiest(events, squares),
        window=windows * words,
        memory=moved * word_cycles,
        commands=commands * COMMAND_CYCLES,
        fill=fill,
        neurons=max(
            windows * len(draft.chunks) * _chunk_turns(draft),
            draft.positions.comparisons * draft.fired_turns,
        ),
        tables=tables * word_cycles,
        first_tables=first_tables * word_cycles,
        weights=weights * word_cycles,
        accumulations=windows * draft.groups * float(events.sum()),
        memory_words=moved + tables + weights,
    )


def _chunk_turns(draft: Draft) -> int:
    """Cycles of a window's chunk: its turns, or until the next one can add to their totals."""
    turns = draft.groups * draft.turns
    return max(turns, CHUNK_CYCLES) if len(draft.chunks) > 1 else turns


def _channel_events(pixel: SuperPixel, part: Part) -> np.ndarray:
    """Most events of each channel in the windows of all phases: (channels, lanes)."""
    result = np.zeros((int(pixel.channel.max()) + 1, pixel.channel.shape[-1]))
    lanes = np.arange(result.shape[1])
    for phase in part.phases:
        for operation in phase:
            for channel, bits in zip(pixel.channel[operation.word], operation.bits, strict=True):
                result[channel, lanes] += bits
    return result


def _busiest(events: np.ndarray, squares: np.ndarray) -> float:
    """Events of the lane that has most, where channels differ by ``CHANNEL_SPREAD``.

    The largest of as many normally distributed numbers as there are lanes is expected as Blom has
    it (Statistical Estimates and Transformed Beta-Variables, 1958).

    Args:
        events: of each lane, where all channels are alike.
        squares: of each lane, the sum of the squares of its channels' events.
    """
    largest = NormalDist().inv_cdf((len(events) - 0.375) / (len(events) + 0.25))
    return float((events + largest * CHANNEL_SPREAD * np.sqrt(squares)).max())


def read_rows(source: DraftSource, window_rows: int) -> int:
    """Rows of a source that ``window_rows`` rows of windows see."""
    seen = np.arange(source.row_first, source.row_reach + 1)
    rows = np.unique(np.arange(window_rows)[:, None] * source.row_step + seen)
    return int(((rows >= 0) & (rows < source.source.rows)).sum())


def write_commands(draft: Draft, target: StoredMap) -> int:
    """Commands that write a pass's numbers: words that follow one another share one.

    Groups of a window follow one another, those of a strip of several windows do not. Pixels
    do where the pass writes all channels of the map.
    """
    positions, turn = draft.positions, turn_words(target.kind)
    rows, columns = positions.row_pool.windows, positions.column_pool.windows
    columns *= target.digit_rows
    pixel = draft.block.out_turns * turn
    if draft.strip > 1 and draft.groups > 1:
        groups = draft.group_turns
        return rows * columns * sum(ceil_div(turns * turn, BURST_WORDS) for turns in groups)
    if pixel == target.pixel_words and target.digit_rows == 1:
        return rows * ceil_div(columns * pixel, BURST_WORDS)
    return rows * columns * ceil_div(pixel, BURST_WORDS)


def table_words(draft: Draft, tables: Iterable[str]) -> int:
    """Memory words of a pass's head and of some of its tables."""
    design, records = draft.design, draft.records
    words = sum(TABLES[name](design).words * records[name] for name in tables)
    return words + pass_record(design).words


def weight_waits(drafts: Sequence[Draft], costs: Sequence[PassCost]) -> list[float]:
    """Cycles that each pass waits for its weights.

    While a pass runs, the memory has time beside its maps: it loads weights of passes after it, as
    many as the lanes' memories have room for beside the pass's own.
    """
    loaded = [0.0] * len(drafts)  # cycles of each pass's weights that have been loaded
    waits = []
    for number, (draft, cost) in enumerate(zip(drafts, costs, strict=True)):
        waits.append(cost.weights - loaded[number])
        time = cost.running - cost.moving
        room = draft.design.weight_words - draft.weight_words
        for later in range(number + 1, len(drafts)):
            if time <= 0 or room <= 0:
                break
            taken = drafts[later].weight_words
            most = costs[later].weights * min(taken, room) / taken
            before = loaded[later]
            loaded[later] = max(before, min(before + time, most))
            time -= loaded[later] - before
            room -= taken
            if loaded[later] < costs[later].weights:
                break
    return waits


def program_cycles(drafts: Sequence[Draft], costs: Sequence[PassCost]) -> float:
    """Cycles of an image."""
    waits = weight_waits(drafts, costs)
    return sum(cost.after(wait) for cost, wait in zip(costs, waits, strict=True))
