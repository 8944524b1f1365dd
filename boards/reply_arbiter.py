"""Lets several senders of replies share one line."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .frame_transmitter import ReplyByte


class ReplyArbiter(wiring.Component):
    """Passes whole replies of ``commands`` and ``results``, in turn where both have some.

    A sender that has begun a reply must be able to end it by itself: the other one waits.
    """

    def __init__(self):
        super().__init__(
            {
                "commands": In(stream.Signature(ReplyByte())),
                "results": In(stream.Signature(ReplyByte())),
                "replies": Out(stream.Signature(ReplyByte())),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        results_turn = Signal()
        inside = Signal()
        for turn, source, other in (
            (results_turn, self.results, self.commands),
            (~results_turn, self.commands, self.results),
        ):
            with m.If(turn):
                m.d.comb += [
                    self.replies.payload.eq(source.payload),
                    self.replies.valid.eq(source.valid),
                    source.ready.eq(self.replies.ready),
                ]
                with m.If(~inside & ~source.valid & other.valid):
                    m.d.sync += results_turn.eq(~results_turn)
        with m.If(self.replies.valid & self.replies.ready):
            m.d.sync += inside.eq(~self.replies.payload.last)
            with m.If(self.replies.payload.last):
                m.d.sync += results_turn.eq(~results_turn)
        return m
