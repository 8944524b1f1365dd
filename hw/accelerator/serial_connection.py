"""A connection whose weights are added one after another."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..basics.shapes import count_shape, index_shape, signed_shape
from ..design.layer_design import LayerDesign
from ..serial.map_words import MapWords
from ..serial.serial_sums import SerialSums
from ..serial.word_events import WordEvents
from .connection import fill_buffer, map_select


class SerialConnection(wiring.Component):
    """Spike words or pixels of a whole map in, the sums of its only window out::

        words -> [select] -> map words -> word events -> serial sums -> sums

    Nothing of the map is stored, nor waits for all of it.

    Args:
        design: the layer, which is serial.

    Members:
        words, steps, accumulating: as those of ``ConnectionPath``.
        delay: in; t0 of the images under way.
        sums: out, stream of ``SumLayout``; P sums, group after group.

    Cycles: an event takes as many as there are groups (``SerialSums``), a word without any one.
    """

    words: stream.Interface
    steps: Signal
    delay: Signal
    sums: stream.Interface
    accumulating: Signal

    def __init__(self, design: LayerDesign):
        (connection,) = design.connections
        self.design = connection
        self.select = None if connection.keeps_all else map_select(connection)
        self.marks = MapWords(design.serial_design)
        self.events = WordEvents(design.serial_design)
        self.adder = SerialSums(design.serial_design, signed_shape(design.current))
        super().__init__(
            {
                "words": In(stream.Signature(connection.word_width)),
                "steps": In(count_shape(connection.largest_steps)),
                "delay": In(index_shape(connection.largest_steps)),
                "sums": Out(self.adder.sums.signature),
                "accumulating": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.marks = marks = self.marks
        m.submodules.events = events = self.events
        m.submodules.adder = adder = self.adder
        fill_buffer(m, self, marks.words)
        m.d.comb += [
            marks.steps.eq(self.steps),
            marks.delay.eq(self.delay),
            self.accumulating.eq(adder.accumulating),
        ]
        wiring.connect(m, marks.marked, events.words)
        wiring.connect(m, events.events, adder.events)
        wiring.connect(m, adder.sums, wiring.flipped(self.sums))
        return m
