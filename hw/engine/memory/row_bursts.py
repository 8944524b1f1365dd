"""Row bursts: the commands that read a row of a map."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..memory_port import BURST_WORDS, CommandLayout
from ..program import EXTENT_BITS
from .row_job import RowBurstsLayout


class RowBursts(wiring.Component):
    """Reads rows piece by piece, in bursts as long as the port has them.

    Members:
        rows: in, stream of ``RowBurstsLayout``.
        commands: out, stream of ``CommandLayout``.
    """

    rows: stream.Interface
    commands: stream.Interface

    def __init__(self):
        super().__init__(
            {
                "rows": In(stream.Signature(RowBurstsLayout())),
                "commands": Out(stream.Signature(CommandLayout())),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        row = Signal(RowBurstsLayout(), reset_less=True)
        address = Signal.like(row.address, reset_less=True)
        # Words of the piece besides one.
        left = Signal(EXTENT_BITS, reset_less=True)
        count = self.commands.payload.count
        more = left[len(count) :].any()
        following_piece = Signal.like(row.address)
        m.d.comb += [
            self.rows.ready.eq(~self.commands.valid),
            self.commands.payload.address.eq(address),
            count.eq(Mux(more, BURST_WORDS - 1, left)),
            # ``row.address`` is that of the piece.
            following_piece.eq(row.address + row.piece_stride),
        ]
        with m.If(self.commands.valid & self.commands.ready):
            with m.If(more):
                m.d.sync += [address.eq(address + BURST_WORDS), left.eq(left - BURST_WORDS)]
            with m.Else():
                m.d.sync += [
                    row.address.eq(following_piece),
                    address.eq(following_piece),
                    left.eq(row.piece_words - 1),
                    row.pieces.eq(row.pieces - 1),
                    self.commands.valid.eq(row.pieces != 1),
                ]
        with m.If(self.rows.valid & self.rows.ready):
            given = self.rows.payload
            m.d.sync += [
                row.eq(given),
                address.eq(given.address),
                left.eq(given.piece_words - 1),
                self.commands.valid.eq(1),
            ]
        return m
