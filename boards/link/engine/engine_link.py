"""An engine behind a host link: bytes on one side, the memory on the other."""

from __future__ import annotations

from amaranth import Cat, Module, ResetSignal, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ....hw.basics.checks import check_range
from ....hw.basics.reset_domain import reset_domain
from ....hw.engine.design import EngineDesign
from ....hw.engine.engine import Engine
from ....hw.engine.memory.port_guard import PortGuard
from ....hw.engine.memory_port import MemoryPort
from ....hw.engine.program import ADDRESS_BITS
from ...engine_protocol import LARGEST_BODY, STORE_BYTES, constant_words
from ...protocol import HEADER_BYTES
from ..frame_receiver import FrameReceiver
from ..frame_transmitter import FrameTransmitter
from ..line.uart_receiver import ReceivedByte
from ..packet_queue import PacketQueue
from .engine_commands import EngineCommands
from .length_check import LengthCheck


class EngineLink(wiring.Component):
    """Frames in, programs, images and numbers to and from the memory, frames out.

    ::

        received -> receiver -> length check -> packets -> commands -> transmitter -> transmitted
                                                            |    |
                                                      engine -> guard <-> memory

    See docs/engine-link.md.

    Args:
        design: of the engine.
        memory_words: of 32 bits that there are behind ``memory``.
        clock: frequency, Hz.

    Members:
        received, transmitted: bytes of the line.
        memory: out, memory port.
        busy: out; a program runs.
    """

    received: stream.Interface
    transmitted: stream.Interface
    memory: wiring.PureInterface
    busy: Signal

    def __init__(self, design: EngineDesign, *, memory_words: int, clock: int):
        self.design = design
        self.memory_words = check_range(
            "EngineLink", "memory_words", memory_words, 2, 1 << ADDRESS_BITS
        )
        self.clock = check_range("EngineLink", "clock", clock, 1, (1 << 32) - 1)
        super().__init__(
            {
                "received": In(stream.Signature(ReceivedByte())),
                "transmitted": Out(stream.Signature(8)),
                "memory": Out(MemoryPort()),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.receiver = receiver = FrameReceiver(
            LARGEST_BODY - HEADER_BYTES - 1, LARGEST_BODY
        )
        m.submodules.lengths = lengths = LengthCheck()
        m.submodules.packets = packets = PacketQueue(STORE_BYTES)
        m.submodules.commands = commands = EngineCommands(
            constant_words(self.design, self.clock, self.memory_words)
        )
        m.submodules.transmitter = transmitter = FrameTransmitter()
        m.submodules.guard = guard = PortGuard()
        engine = Engine(self.design)
        engine_reset = self._engine_reset(m, commands.clear)
        m.submodules.engine = reset_domain(m, "engine", engine_reset)(engine)

        wiring.connect(m, wiring.flipped(self.received), receiver.bytes)
        wiring.connect(m, receiver.pieces, lengths.pieces)
        wiring.connect(m, lengths.checked, packets.pieces)
        wiring.connect(m, packets.words, commands.words)
        wiring.connect(m, commands.replies, transmitter.replies)
        wiring.connect(m, transmitter.bytes, wiring.flipped(self.transmitted))
        wiring.connect(m, commands.memory, guard.host)
        wiring.connect(m, engine.memory, guard.engine)
        wiring.connect(m, guard.memory, wiring.flipped(self.memory))
        for name in ("program_base", "program_words", "weights_base", "weights_words", "start"):
            m.d.comb += getattr(engine, name).eq(getattr(commands, name))
        for name in ("low", "limit", "drain"):
            m.d.comb += getattr(guard, name).eq(getattr(commands, name))
        # What the engine asks for in the cycle before its reset is of before the reset.
        m.d.comb += guard.pause.eq(commands.pause | engine_reset)
        for name in ("held", "refused", "outside"):
            m.d.comb += getattr(commands, name).eq(getattr(guard, name))
        m.d.comb += [commands.done.eq(engine.done), self.busy.eq(commands.running)]
        return m

    def _engine_reset(self, m: Module, clear: Signal) -> Signal:
        """The engine's reset, out of a register.

        It goes all over the chip, and lasts three cycles however short what asks for it is: lanes
        and neurons are reset a cycle after the rest, and have nothing to say when that goes on.
        """
        reset = Signal(init=1, reset_less=True, name="engine_reset")
        asked, before = Signal(), Signal(2, init=-1, reset_less=True)
        m.d.sync += [before.eq(Cat(asked, before[0])), reset.eq(asked | before.any())]
        m.d.comb += asked.eq(ResetSignal() | clear)
        return reset
