"""Each layer as it is built: worked out once of network and folding, for all that asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...golden.basics.arithmetic import ceil_div
from ...golden.errors import RheobaseError
from ...golden.network.bounds import Bounds, Interval, effective_bias, layer_bounds
from ...golden.network.network import IMAGE, PIXEL_BITS, Coding, Layer, Network, PoolRule, Readout
from ..basics.widths import memory_depth
from .buffering import Rows, folded_spare_rows
from .connection_design import ConnectionDesign
from .folding import (
    Folding,
    LayerFolding,
    check_folding,
    connection_lanes,
    connection_row_words,
)
from .geometry import step_planes
from .neuron_parameters import NeuronParameters
from .serial_design import SerialDesign
from .style import Style
from .sum_rule import SumRule


@dataclass(frozen=True, eq=False)
class LayerDesign:
    """Layer ``index`` of ``network`` folded by ``fold``, and its ``connections``."""

    network: Network
    index: int
    fold: LayerFolding
    connections: tuple[ConnectionDesign, ...]

    @property
    def layer(self) -> Layer:
        return self.network.layers[self.index]

    @property
    def style(self) -> Style:
        return self.fold.style

    @property
    def streamed(self) -> bool:
        """A streamed readout: no window buffer, no map."""
        return self.connections[0].streamed

    @property
    def steps(self) -> int:
        """Largest T of its neurons: its own in ``radix``, if it has one, else the network's."""
        return self.network.steps_of(self.index)

    @property
    def fires(self) -> bool:
        """It has neurons; else it is read out by its currents."""
        return self.layer.threshold is not None

    @property
    def neurons(self) -> int:
        """P."""
        return self.fold.neurons

    @property
    def firing(self) -> int:
        """F: how many neurons fire at once."""
        return self.neurons // self.fold.turns

    @property
    def turns(self) -> int:
        """How often neurons fire for each group of P channels."""
        return self.fold.turns

    @property
    def groups(self) -> int:
        """Groups of P output channels."""
        return ceil_div(self.layer.out_channels, self.neurons)

    @property
    def step_planes(self) -> int:
        """Spike words of a group at each step."""
        return step_planes(self.network, self.index)

    @property
    def lanes(self) -> tuple[int, ...]:
        """E of each connection; 0 where its lane is direct."""
        return tuple(connection.lanes for connection in self.connections)

    @property
    def alone(self) -> bool:
        """A single lane does all."""
        return self.connections[0].alone

    @property
    def positions(self) -> int:
        """Windows of a pooled output."""
        pool = self.layer.pool
        return pool.kernel[0] * pool.kernel[1] if pool else 1

    @property
    def constant(self) -> bool:
        """The current is the same at every step: the image's."""
        return self.layer.sees_only_image

    @property
    def whole_trains(self) -> bool:
        """A current is what a whole train comes to, or holds for all of it; else a step's."""
        return self.network.coding == Coding.RADIX or self.constant

    @property
    def graph(self) -> bool:
        """An adder graph adds up the windows."""
        return self.fold.graph

    @property
    def serial(self) -> bool:
        """Weights are added one after another."""
        return self.fold.serial

    @cached_property
    def serial_design(self) -> SerialDesign:
        """Of a serial layer."""
        (connection,) = self.connections
        return SerialDesign(connection)

    @property
    def unbuffered(self) -> bool:
        """Words of its source are added as they come: no window buffer, no map."""
        return self.streamed or self.serial

    @property
    def sum_rule(self) -> SumRule:
        """How a graph lane adds up the sums of planes."""
        (connection,) = self.connections
        return SumRule(
            whole_trains=self.whole_trains,
            doubles=connection.radix_spikes,
            accumulates_steps=self.cumulative,
            signed_trains=connection.signed_trains,
        )

    @property
    def cumulative(self) -> bool:
        """The pool accumulates the currents of each position over the steps."""
        pool = self.layer.pool
        accumulates = pool is not None and pool.rule == PoolRule.CUMULATIVE
        return accumulates and self.positions > 1 and not self.whole_trains

    @cached_property
    def bounds(self) -> Bounds:
        return layer_bounds(self.network, self.index)

    @cached_property
    def bias(self) -> np.ndarray:
        """Of each output channel, the image's zero point included."""
        return effective_bias(self.network, self.index)

    @property
    def current(self) -> Interval:
        """Bounds of a pooled current."""
        return self.bounds.pooled if self.cumulative or self.unbuffered else self.bounds.window

    @property
    def sum(self) -> Interval:
        """Bounds of what comes to the pool."""
        return self.bounds.pooled if self.unbuffered else self.bounds.window

    @cached_property
    def parameters(self) -> NeuronParameters:
        """Of the neurons that fire at once, group after group and turn after turn."""
        threshold, start = self.layer.threshold, self.layer.initial_potential
        if threshold is None or start is None:
            raise RheobaseError(f"layer {self.layer.name!r} has no neurons with parameters")
        own = NeuronParameters(self.bias, threshold, start, self.layer.negative_threshold)
        return own if self.turns == 1 else own.in_turns(self.neurons, self.firing)

    @cached_property
    def state(self) -> Interval:
        """Bounds of what ``rate`` neurons keep."""
        return self.parameters.state_bounds(
            self.bounds.potential, self.steps, cumulative=self.cumulative
        )

    # Memories that are read in the cycle of their address: words, and bits of a word.

    @property
    def accumulated_currents(self) -> tuple[int, int] | None:
        """What the pool has accumulated for each position."""
        return (self.positions, self.neurons * self.current.bits) if self.cumulative else None

    @property
    def waiting_states(self) -> tuple[int, int] | None:
        """States of the turns of ``rate`` neurons."""
        if self.turns == 1 or self.whole_trains:
            return None
        kept = self.state.bits + self.parameters.net_bits(self.network.steps)
        return memory_depth(self.turns), self.firing * kept

    @property
    def waiting_trains(self) -> tuple[int, int] | None:
        """Spikes of all turns but the last."""
        if self.turns == 1:
            return None
        return memory_depth(self.turn_words), self.neurons - self.firing

    @property
    def turn_words(self) -> int:
        """Most spike words that a turn gives before the next one."""
        return self.step_planes * (self.steps if self.whole_trains else 1)

    @property
    def unhurried(self) -> bool:
        """Neurons take three cycles at least for a turn, and two are enough to give it."""
        return (
            self.turns > 1 and self.whole_trains and (self.steps > 2 and self.style.path_registers)
        )

    @property
    def images_inside(self) -> int:
        """Most images that its rows, queues and registers hold parts of at once."""
        if self.unbuffered:
            return 2
        geometries = [connection.geometry for connection in self.connections]
        return 2 + max(ceil_div(geometry.slots, geometry.rows) for geometry in geometries)


def layer_design(
    network: Network,
    index: int,
    fold: LayerFolding,
    word_widths: Sequence[int] | None = None,
    spare_rows: Sequence[int] | None = None,
) -> LayerDesign:
    """Layer ``index`` folded by ``fold``.

    Args:
        word_widths: bits of a word of each connection's source; where the foldings of sources are
            not known (None), those of the least P. Window buffers and streamed readouts alone
            depend on it.
        spare_rows: of each connection's buffer; a row of outputs' where None.
    """
    layer = network.layers[index]
    lanes = connection_lanes(network, index, fold)
    rows = connection_row_words(network, index, fold)
    streamed = fold.streamed(network, index)
    widths = word_widths
    if widths is None:
        # A streamed readout has a bit of a word for each lane at least.
        narrowest = lanes if streamed else (1,) * len(lanes)
        widths = tuple(
            _pixel_width(network) if connection.source == IMAGE else fewest
            for connection, fewest in zip(layer.connections, narrowest, strict=True)
        )
    connections = tuple(
        ConnectionDesign(
            network=network,
            index=index,
            number=number,
            neurons=fold.neurons,
            lanes=lanes[number],
            row_words=rows[number] and not streamed,
            large=fold.is_large(number),
            word_width=widths[number],
            spare_rows=spare_rows[number] if spare_rows else None,
            weight_memory=fold.weight_memory,
            style=fold.style,
            streamed=streamed,
            graph=fold.graph,
            serial=fold.serial,
        )
        for number, connection in enumerate(layer.connections)
    )
    return LayerDesign(network, index, fold, connections)


def word_widths(network: Network, index: int, folding: Folding) -> tuple[int, ...]:
    """Bits of a word of each connection's source: its P, or a whole pixel."""
    return tuple(
        _pixel_width(network) if connection.source == IMAGE else folding[connection.source].neurons
        for connection in network.layers[index].connections
    )


def network_design(
    network: Network, folding: Folding, spare_rows: Rows | None = None
) -> tuple[LayerDesign, ...]:
    """All layers, first to last.

    Args:
        spare_rows: of each connection's buffer; ``folded_spare_rows`` where None.

    Raises:
        RheobaseError: a value of the folding is out of range.
    """
    check_folding(network, folding)
    spare_rows = folded_spare_rows(network, folding) if spare_rows is None else spare_rows
    return tuple(
        layer_design(network, index, fold, word_widths(network, index, folding), spare_rows[index])
        for index, fold in enumerate(folding)
    )


def score_bounds(network: Network, output: int = 0) -> Interval:
    """Bounds of an output's score: a count, or summed currents."""
    if network.readout == Readout.CURRENT:
        return layer_bounds(network, network.outputs[output]).potential
    steps = network.steps_of(network.outputs[output])
    return count_bounds(steps, radix=network.coding == Coding.RADIX)


def count_bounds(steps: int, *, radix: bool) -> Interval:
    """Bounds of the count of a train of ``steps`` steps."""
    return Interval(0, 2**steps - 1 if radix else steps)


def _pixel_width(network: Network) -> int:
    return network.input_shape[0] * PIXEL_BITS
