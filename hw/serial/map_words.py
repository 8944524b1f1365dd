"""The words of a whole map, with where their weights are and what they are worth."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.network.network import Coding
from ..basics.shapes import count_shape, index_shape
from ..basics.table import lookup
from ..design.serial_design import SerialDesign
from .serial_layouts import SerialWordLayout


class MapWords(wiring.Component):
    """Marks the words of a map, one after another.

    Weights of a word begin where those of the word before end. All planes of a train have the same
    weights, and all pixels have where a map is summed up.

    Args:
        design: the connection.

    Members:
        words: in, stream; per kept pixel, per group of its channels, the words of each step.
        steps, delay: in; T and t0 of the images under way; spikes of the first t0 steps of
            ``rate`` do not count.
        marked: out, stream of ``SerialWordLayout``.
    """

    words: stream.Interface
    steps: Signal
    delay: Signal
    marked: stream.Interface

    def __init__(self, design: SerialDesign):
        self.design = design
        connection = design.connection
        self.layout = SerialWordLayout(
            design.planes * design.taps, len(design.weights), design.largest_shift
        )
        super().__init__(
            {
                "words": In(stream.Signature(design.planes * design.taps)),
                "steps": In(count_shape(connection.largest_steps)),
                "delay": In(index_shape(connection.largest_steps)),
                "marked": Out(stream.Signature(self.layout)),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        design, marked = self.design, self.marked.payload
        seen = design.connection.seen_masks
        moves, train_ends, pixel_ends, map_ends = Signal(), Signal(), Signal(), Signal()
        group = Signal(index_shape(design.word_groups))
        pixel = Signal(index_shape(design.positions))
        weights = Signal.like(marked.weights)
        counts = self._train(m, moves, train_ends)
        m.d.comb += [
            moves.eq(self.words.valid & self.words.ready),
            pixel_ends.eq(train_ends & (group == design.word_groups - 1)),
            map_ends.eq(pixel_ends & (pixel == design.positions - 1)),
            marked.bits.eq(
                Mux(counts, self.words.payload & lookup(m, group, seen, name="seen"), 0)
            ),
            marked.weights.eq(weights),
            marked.last.eq(map_ends),
            self.marked.valid.eq(self.words.valid),
            self.words.ready.eq(self.marked.ready),
        ]
        with m.If(moves & train_ends):
            m.d.sync += [group.eq(group + 1), weights.eq(weights + design.word_weights)]
            with m.If(pixel_ends):
                m.d.sync += [group.eq(0), pixel.eq(pixel + 1)]
                if design.shared:
                    m.d.sync += weights.eq(0)
            with m.If(map_ends):
                m.d.sync += [pixel.eq(0), weights.eq(0)]
        return m

    def _train(self, m: Module, moves: Signal, ends: Signal) -> Signal:
        """What the word is worth, whether it ``ends`` a train; gives whether it counts."""
        connection, marked = self.design.connection, self.marked.payload
        counts = Signal()
        if connection.pixels:
            m.d.comb += [counts.eq(1), marked.shift.eq(self.design.largest_shift), ends.eq(1)]
            return counts
        step = Signal(index_shape(connection.largest_steps))
        later_plane = Signal(init=connection.step_planes == 1)
        last_step, first_plane = Signal(), Signal()
        m.d.comb += [
            last_step.eq(step == self.steps - 1),
            ends.eq(last_step & later_plane),
        ]
        if connection.step_planes > 1:
            with m.If(moves):
                m.d.sync += later_plane.eq(~later_plane)
        with m.If(moves & later_plane):
            m.d.sync += step.eq(Mux(last_step, 0, step + 1))
        if connection.network.coding == Coding.RADIX:
            m.d.comb += [
                counts.eq(1),
                marked.shift.eq(self.steps - 1 - step),
                first_plane.eq(step == 0),
            ]
        else:
            m.d.comb += [counts.eq(step >= self.delay), first_plane.eq(~later_plane)]
        if connection.signed_trains:
            m.d.comb += marked.negative.eq(first_plane)
        return counts
