"""A native port of one memory word on LiteDRAM's of a whole burst."""

from __future__ import annotations

from litedram.common import LiteDRAMNativePort
from litex.soc.interconnect.stream import SyncFIFO
from migen import If, Module, Replicate, Signal

#: Words that are asked for and have not been given, and bursts.
WORDS, BURSTS = 64, 16


class NarrowPort(Module):
    """Commands of single words: reads of one burst, one behind another, are one read of ``wide``.

    Commands are as LiteDRAM's own: data of a write are there when its command comes, data of a
    read are taken when they come. A write is a write of ``wide`` in which the other words are
    masked. What was read last is kept until something is written.

    Args:
        wide: LiteDRAM's native port.
        data_bits: of a word.

    Attributes:
        cmd_valid, cmd_ready, cmd_we, cmd_addr: a command.
        wdata_valid, wdata_ready, wdata_we, wdata_data: of a write.
        rdata_valid, rdata_data: of a read.
    """

    def __init__(self, wide: LiteDRAMNativePort, data_bits: int):
        count = wide.data_width // data_bits
        index_bits = (count - 1).bit_length()
        self.cmd_valid, self.cmd_ready, self.cmd_we = Signal(), Signal(), Signal()
        self.cmd_addr = Signal(len(wide.cmd.addr) + index_bits)
        self.wdata_valid, self.wdata_ready = Signal(), Signal()
        self.wdata_we, self.wdata_data = Signal(data_bits // 8), Signal(data_bits)
        self.rdata_valid, self.rdata_data = Signal(), Signal(data_bits)
        index, burst = self.cmd_addr[:index_bits], self.cmd_addr[index_bits:]

        # The burst of the read before, where it still holds.
        last, holds = Signal.like(wide.cmd.addr), Signal()
        again = Signal()
        asked = SyncFIFO([("index", index_bits), ("fresh", 1)], WORDS)
        written = SyncFIFO([("index", index_bits)], WORDS)
        came = SyncFIFO([("data", wide.data_width)], BURSTS)
        self.submodules += asked, written, came
        room, issues = Signal(), Signal()
        # Bursts come twice as fast as their words leave, where a refresh has held them back.
        under_way = Signal(max=BURSTS + 1)
        self.comb += [
            again.eq(holds & ~self.cmd_we & (burst == last)),
            room.eq(asked.sink.ready & written.sink.ready & (again | (under_way != BURSTS))),
            wide.cmd.valid.eq(self.cmd_valid & ~again & room),
            wide.cmd.we.eq(self.cmd_we),
            wide.cmd.addr.eq(burst),
            self.cmd_ready.eq(room & (again | wide.cmd.ready)),
            issues.eq(self.cmd_valid & self.cmd_ready),
            asked.sink.valid.eq(issues & ~self.cmd_we),
            asked.sink.index.eq(index),
            asked.sink.fresh.eq(~again),
            written.sink.valid.eq(issues & self.cmd_we),
            written.sink.index.eq(index),
        ]
        self.sync += If(issues, holds.eq(~self.cmd_we), last.eq(burst))

        bytes_ = data_bits // 8
        self.comb += [
            wide.wdata.valid.eq(self.wdata_valid),
            self.wdata_ready.eq(wide.wdata.ready),
            written.source.ready.eq(wide.wdata.ready & wide.wdata.valid),
            wide.wdata.data.eq(Replicate(self.wdata_data, count)),
            *(
                If(
                    written.source.index == place,
                    wide.wdata.we[place * bytes_ : (place + 1) * bytes_].eq(self.wdata_we),
                )
                for place in range(count)
            ),
        ]

        kept, word, next_ = Signal(wide.data_width), Signal(wide.data_width), Signal()
        self.comb += [
            came.sink.valid.eq(wide.rdata.valid),
            came.sink.data.eq(wide.rdata.data),
            wide.rdata.ready.eq(1),
            next_.eq(asked.source.fresh),
            self.rdata_valid.eq(asked.source.valid & (~next_ | came.source.valid)),
            asked.source.ready.eq(self.rdata_valid),
            came.source.ready.eq(self.rdata_valid & next_),
            If(next_, word.eq(came.source.data)).Else(word.eq(kept)),
            *(
                If(
                    asked.source.index == place,
                    self.rdata_data.eq(word[place * data_bits : (place + 1) * data_bits]),
                )
                for place in range(count)
            ),
        ]
        self.sync += [
            If(self.rdata_valid, kept.eq(word)),
            under_way.eq(under_way + (asked.sink.valid & ~again) - (self.rdata_valid & next_)),
        ]
