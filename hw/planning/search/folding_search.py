"""The folding search: P, E, weight memory and buffer layout of every layer.

A layer's *options* are the foldings worth having. For a time per image that no layer may exceed,
the options that keep to it are combined so that the look-up tables are fewest for every number of
block RAMs, by dynamic programming over the layers; the least time whose combination fits is found
by bisection. What a buffer takes depends on the P of its source too: that is taken from the round
before, with the difference that an option makes to the layer's readers, until the rounds agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from ....golden.network.network import Network
from ...design.buffering import Rows
from ...design.folding import Folding, LaneChoice, LayerFolding
from ...design.layer_design import layer_design, word_widths
from ...memories.devices import Family
from ..area import frame_area
from ..cycles import layer_cycles
from ..event_counts import NetworkEvents, known_events
from ..items import Area
from ..plan import Budget, LayerPlan, Plan
from ..priced_network import PricedNetwork
from ..row_pipeline import pipeline_cycles
from .bisection import first_found
from .layer_choices import within_words
from .layer_options import Option, layer_options
from .row_search import rows_beside, with_extra_rows

#: Rounds of the search, each with the P of the round before.
ROUNDS = 4
#: Extra rows (of shortcuts, of other buffers) that the search includes, each tried.
ROW_PLANS = ((0, 0), (1, 0), (2, 0), (2, 1), (3, 2))
#: How much slower than it could be the slowest layer may be, each tried.
SLACKS = (1.0, 1.1)


class Planner(PricedNetwork):
    """Predictions and searches for one network on one family of devices.

    Args:
        events: what its windows hold; what the network carries where None, or a guess.
        family, large_rams: see ``PricedNetwork``.
        lane_choice: kinds of lanes that the search may give a layer.
    """

    def __init__(
        self,
        network: Network,
        events: NetworkEvents | None = None,
        family: Family = Family.ECP5,
        large_rams: int = 0,
        lane_choice: LaneChoice = LaneChoice.EVENTS,
    ):
        self.lane_choice = lane_choice
        super().__init__(network, family, large_rams)
        self.events = known_events(network) if events is None else events

    def of(
        self, network: Network, events: NetworkEvents, lane_choice: LaneChoice | None = None
    ) -> Planner:
        """A planner of another network, or with other lanes, for the same device."""
        lanes = self.lane_choice if lane_choice is None else lane_choice
        return Planner(network, events, self.family, self.large_rams, lanes)

    @cached_property
    def options(self) -> tuple[tuple[Option, ...], ...]:
        """The foldings worth having of each layer."""
        return tuple(
            tuple(
                layer_options(
                    self.network,
                    index,
                    self.events[index],
                    self.family,
                    self.large,
                    self.lane_choice,
                )
            )
            for index in range(len(self.network.layers))
        )

    def predict(self, folding: Folding) -> Plan:
        """What the model says about a given folding."""
        layers = []
        for index, fold in enumerate(folding):
            cycles, limit = layer_cycles(self.design(index, folding), self.events[index])
            layers.append(LayerPlan(fold, cycles, limit, self.layer_area(index, folding)))
        designs = [self.design(index, folding) for index in range(len(folding))]
        rows = tuple(self.rows_of(index, fold) for index, fold in enumerate(folding))
        cycles = pipeline_cycles(designs, self.events, rows)
        return Plan(tuple(layers), frame_area(self.network, folding, self.family), cycles)

    def fastest(self, budget: Budget) -> Plan | None:
        """The fastest plan within ``budget``, the smallest of those; None where none fits.

        Block RAMs and look-up tables for rows that even out the pipeline and those for lanes are
        weighed by trying.
        """
        best = None
        for shortcuts, others in ROW_PLANS:
            rows = rows_beside(self.network, shortcuts, others)
            fastest = self.fastest_layers(budget, rows)
            if fastest is None:
                continue
            slowest = max(
                layer_cycles(self.design(index, fastest), self.events[index])[0]
                for index in range(len(fastest))
            )
            for slack in SLACKS:
                # Somewhat slower layers leave room for more rows.
                folding = fastest if slack == 1 else self.smallest(slack * slowest, budget, rows)
                if folding is None:  # the rounds found none, which is no proof that there is none
                    continue
                plan = self.predict(with_extra_rows(self, folding, budget, pay=True))
                if best is None or plan.cycles < best.cycles:
                    best = plan
        return best

    def fastest_layers(self, budget: Budget, extra: Rows | None = None) -> Folding | None:
        """The folding within ``budget``, with ``extra`` rows, whose slowest layer is fastest."""
        targets = sorted({option.cycles for options in self.options for option in options})
        return first_found(targets, lambda target: self.smallest(target, budget, extra))

    def reaching(self, cycles: float, budget: Budget) -> Plan | None:
        """The smallest plan that takes at most so many cycles per image; None where none fits."""
        target = cycles
        for _ in range(ROUNDS):
            folding = self.smallest(target, budget)
            if folding is None:
                break
            for pay in (False, True):
                plan = self.predict(with_extra_rows(self, folding, budget, pay=pay))
                if plan.cycles <= cycles:
                    return plan
            # The pipeline is slower than its slowest layer: by as much is it to be faster.
            target *= 0.99 * cycles / plan.cycles
        fastest = self.fastest(budget)
        return fastest if fastest is not None and fastest.cycles <= cycles else None

    def smallest(self, cycles: float, budget: Budget, extra: Rows | None = None) -> Folding | None:
        """The folding of least cost in which no layer takes more; None where none fits.

        Args:
            extra: rows of each connection's buffer beside the fewest; none where None.
        """
        fitting = [
            [option for option in options if option.cycles <= cycles] for options in self.options
        ]
        if not all(fitting):
            return None
        folding = self._with_rows(
            [min(options, key=lambda option: budget.cost(option.area)).fold for options in fitting],
            extra,
        )
        best, cost = None, np.inf
        for _ in range(ROUNDS):
            found = self._combined(fitting, within_words(self.network, folding), budget)
            if found is None:
                break
            found = within_words(self.network, self._with_rows(found, extra))
            area = self.total_area(found)
            if budget.holds(area) and budget.cost(area) < cost:
                best, cost = found, budget.cost(area)
            if found == folding:
                break
            folding = found
        return best

    def _with_rows(self, folding: Sequence[LayerFolding], extra: Rows | None) -> Folding:
        """``folding`` with buffers of so many extra rows."""
        if extra is None:
            return tuple(folding)
        return tuple(
            fold
            if fold.serial or fold.streamed(self.network, index)
            else replace(fold, extra_rows=rows)
            for index, (fold, rows) in enumerate(zip(folding, extra, strict=True))
        )

    def _combined(
        self, fitting: Sequence[Sequence[Option]], before: Folding, budget: Budget
    ) -> Folding | None:
        """The best option of each layer, beside readers and sources folded as ``before``."""
        frame = frame_area(self.network, before, self.family)
        choices = []
        for index, options in enumerate(fitting):
            costs: dict[int, tuple[float, LayerFolding]] = {}
            beside: dict[tuple, Area] = {}
            for option in options:
                key = option.fold.neurons, option.fold.row_words, option.fold.lane_kind
                if key not in beside:
                    beside[key] = self._beside(index, option.fold, before)
                luts = option.area.luts + beside[key].luts
                blocks = option.area.block_rams + beside[key].block_rams
                known = costs.get(blocks)
                if known is None or luts < known[0]:
                    costs[blocks] = (luts, option.fold)
            choices.append(costs)
        least = sum(min(0, *costs) for costs in choices)
        limit = sum(max(costs) for costs in choices)
        if budget.block_rams is not None:
            limit = min(limit, budget.block_rams)
        if limit < least:
            return None
        # Sums begin at none, which is above the limit where layers save their readers more.
        width = max(0, limit) - least + 1
        # luts[b]: fewest look-up tables of the layers so far with b + least block RAMs. A layer's
        # own share may be below none, by what it saves its readers.
        luts = np.full(width, np.inf)
        luts[-least] = 0.0
        taken = []
        for costs in choices:
            following = np.full(width, np.inf)
            chosen = np.full(width, -1)
            keys = sorted(costs)
            for position, used in enumerate(keys):
                source = slice(max(0, -used), width - max(0, used))
                target = slice(max(0, used), width - max(0, -used))
                if source.start >= source.stop:
                    continue
                candidate = luts[source] + costs[used][0]
                better = candidate < following[target]
                following[target][better] = candidate[better]
                chosen[target][better] = position
            taken.append((keys, chosen))
            luts = following
        totals = [
            budget.cost(Area(float(value) + frame.luts, number + least))
            if np.isfinite(value)
            and number + least <= limit
            and (budget.luts is None or value + frame.luts <= budget.luts)
            else np.inf
            for number, value in enumerate(luts)
        ]
        end = int(np.argmin(totals))
        if not np.isfinite(totals[end]):
            return None
        folding = []
        for costs, (keys, chosen) in zip(reversed(choices), reversed(taken), strict=True):
            used = keys[chosen[end]]
            folding.append(costs[used][1])
            end -= used
        return tuple(reversed(folding))

    def _beside(self, index: int, fold: LayerFolding, before: Folding) -> Area:
        """The layer's buffers, and what its P changes in those of its readers."""
        area = Area(0, 0)
        design = layer_design(self.network, index, fold, word_widths(self.network, index, before))
        if not design.unbuffered:
            spare = self.rows_of(index, before[index])
            for number, connection in enumerate(design.connections):
                area += self.buffer_area(
                    index,
                    number,
                    connection.row_words,
                    connection.word_width,
                    spare[number],
                    fold.lane_kind,
                )
        for reader, number in self._readers[index]:
            beside = before[reader]
            read = layer_design(self.network, reader, beside)
            if read.unbuffered:
                continue
            by_row = read.connections[number].row_words
            spare = self.rows_of(reader, beside)[number]
            kind = beside.lane_kind
            new = self.buffer_area(reader, number, by_row, fold.neurons, spare, kind)
            old = self.buffer_area(reader, number, by_row, before[index].neurons, spare, kind)
            area += new - old
        return area

    @cached_property
    def _readers(self) -> dict[int, list[tuple[int, int]]]:
        """Per layer, (layer, connection) of those that read it."""
        readers: dict[int, list[tuple[int, int]]] = {
            index: [] for index in range(-1, len(self.network.layers))
        }
        for index, layer in enumerate(self.network.layers):
            for number, connection in enumerate(layer.connections):
                readers[connection.source].append((index, number))
        return readers
