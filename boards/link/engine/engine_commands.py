"""Carries out requests to an engine."""

from __future__ import annotations

from amaranth import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ....hw.basics.checks import check_range
from ....hw.basics.shapes import index_shape
from ....hw.engine.design import WORD_BITS
from ....hw.engine.memory.memory_arbiter import UNDER_WAY
from ....hw.engine.memory_port import BURST_WORDS, MemoryPort
from ....hw.engine.program import ADDRESS_BITS
from ...engine_protocol import (
    COUNT_BITS,
    REQUEST_WORDS,
    WORD_BYTES,
    WRITE_WORDS,
    EngineMessage,
    RunFlag,
)
from ...protocol import ERROR, REPLY, Error
from ..frame_receiver import STATUS_SHAPE, PacketHeader
from ..frame_transmitter import ReplyByte
from ..packet_queue import PacketWord
from ..serial_crc import SerialCrc

#: Registers of a configuration, the first word first.
_PLACES = (
    "program_base", "program_words", "weights_base", "weights_words", "low", "limit", "label",
)  # fmt: skip
_FLAGS = max(RunFlag).bit_length()
#: Cycles in which all that an engine has asked of the memory comes if it takes it: for each word
#: that may be under way a slow memory takes two or three.
RESCUE_CYCLES = 16 * UNDER_WAY * BURST_WORDS
#: Cycles after its start in which an engine may still say that no program runs.
_SETTLING = 4


class EngineCommands(wiring.Component):
    """Takes one good request at a time, carries it out and answers it.

    A run goes on while later requests are looked at: those that tell what the engine is or end the
    run are carried out, the others wait until it is over and its reply has been sent. A run that
    takes more cycles than it was given is ended: what it has asked of the memory is waited for,
    then the engine is reset. The host has the memory only while the engine is held; an engine that
    does not take what it has asked for, as a damaged program may leave it, is reset for that.

    Args:
        constants: words that an identify reply begins with.

    Members:
        words: in, stream; the output of a ``PacketQueue``, lengths checked.
        replies: out, stream.
        memory: out, memory port of the host.
        program_base, program_words, weights_base, weights_words, start, done: of the ``Engine``.
        clear: out; reset the engine.
        low, limit, pause, drain, held, refused, outside: of the ``PortGuard``.
        running: out; a program runs.
    """

    words: stream.Interface
    replies: stream.Interface
    memory: wiring.PureInterface
    program_base: Signal
    program_words: Signal
    weights_base: Signal
    weights_words: Signal
    start: Signal
    done: Signal
    clear: Signal
    low: Signal
    limit: Signal
    pause: Signal
    drain: Signal
    held: Signal
    refused: Signal
    outside: Signal
    running: Signal

    def __init__(self, constants: list[int]):
        self.constants = constants
        # What is written at once is one burst.
        check_range("EngineCommands", "WRITE_WORDS", WRITE_WORDS, 1, BURST_WORDS)
        super().__init__(
            {
                "words": In(stream.Signature(PacketWord())),
                "replies": Out(stream.Signature(ReplyByte())),
                "memory": Out(MemoryPort()),
                **{name: Out(ADDRESS_BITS) for name in _PLACES if name != "label"},
                "start": Out(1),
                "done": In(1),
                "clear": Out(1),
                "pause": Out(1),
                "drain": Out(1),
                "held": In(1),
                "refused": In(1),
                "outside": In(1),
                "running": Out(1),
            }
        )
        self.label = Signal(ADDRESS_BITS)
        self.loaded = Signal()
        # The request: its type, number, words that are left of it and the number of the next one.
        self.message = Signal(8)
        self.sequence = Signal(8)
        self.left = Signal(8)
        self.position = Signal(8)
        # A word of it, or of the reply; the first byte is the lowest.
        self.word = Signal(WORD_BITS)
        self.byte = Signal(index_shape(WORD_BYTES))
        self.code = Signal(STATUS_SHAPE)
        self.known, self.fits = Signal(init=1), Signal()
        # The request waits for the run's reply; or the engine is reset first.
        self.gated = Signal()
        self.waited = Signal(exact_log2(RESCUE_CYCLES) + 1)
        self.rescues = Signal()
        # Where in memory, and words that are left there, or of the reply.
        self.address = Signal(ADDRESS_BITS)
        self.count = Signal(COUNT_BITS)
        # The run: what its reply says, and the most cycles that it may take.
        self.of_run = Signal()
        self.run_sequence = Signal(8)
        self.flags = Signal(_FLAGS)
        self.cycles = Signal(WORD_BITS)
        self.most = Signal(WORD_BITS)
        self.late = Signal()
        self.over = Signal()
        self.crc = SerialCrc()
        self.bit = Signal(index_shape(WORD_BITS))

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.crc = self.crc
        taken = self.words.valid & self.words.ready
        m.d.sync += [self.start.eq(0), self.clear.eq(0)]
        self._run(m)
        self._fit(m)
        with m.FSM(name="commands"):
            self._packet(m, taken)
            self._gate(m)
            self._payload(m, taken)
            self._memory(m)
            self._stop(m)
            self._reply(m)
        with m.If(self.outside):
            m.d.sync += self.loaded.eq(0)
        return m

    def _run(self, m: Module) -> None:
        """Cycles of a run, and what goes wrong in it."""
        m.d.comb += self.over.eq(self.running & self.done & (self.cycles >= _SETTLING))
        with m.If(self.running & ~self.over):
            m.d.sync += self.cycles.eq(self.cycles + 1)
            with m.If(self.cycles == self.most):
                m.d.sync += self.late.eq(1)
            with m.If(self.refused):
                m.d.sync += self.flags.eq(self.flags | RunFlag.REFUSED)

    def _fit(self, m: Module) -> None:
        """Whether there is such a request, and it has as many words as it must have."""
        with m.Switch(self.message):
            for message, words in REQUEST_WORDS.items():
                with m.Case(message):
                    m.d.comb += self.fits.eq(self.left == words)
            with m.Case(EngineMessage.WRITE):
                m.d.comb += self.fits.eq((self.left >= 2) & (self.left <= WRITE_WORDS + 1))
            with m.Default():
                m.d.comb += self.known.eq(0)

    def _ends(self, m: Module) -> None:
        """Go on with a run that is over, or has to be."""
        with m.If(self.over):
            m.d.sync += self.running.eq(0)
            m.next = "RAN"
        with m.Elif(self.running & self.late):
            m.d.sync += self.flags.eq(self.flags | RunFlag.OVERRUN)
            m.next = "STOP"

    def _packet(self, m: Module, taken) -> None:
        """A request begins: its type, number, and how many words it has."""
        data, mark = self.words.payload.data, self.words.payload.mark
        header = PacketHeader()(data)
        begins = mark & header.begins
        bare = Signal()
        with m.State("PACKET"):
            # What is left of the packet before, its check sum at the least, goes.
            m.d.comb += self.words.ready.eq(1)
            m.d.sync += [
                bare.eq(header.bare),
                self.code.eq(header.status),
                self.sequence.eq(0),
                self.pause.eq(0),
                self.gated.eq(0),
                self.waited.eq(0),
                self.left.eq(0),
                self.position.eq(0),
                self.byte.eq(0),
            ]
            with m.If(taken & begins):
                m.next = "TYPE"
                with m.If(header.status != 0):
                    m.next = "REPLY"
            with m.Else():
                self._ends(m)
        with m.State("TYPE"):
            m.d.comb += self.words.ready.eq(1)
            m.d.sync += self.message.eq(data)
            with m.If(taken):
                m.next = "SEQUENCE"
        with m.State("SEQUENCE"):
            m.d.comb += self.words.ready.eq(1)
            m.d.sync += self.sequence.eq(data)
            with m.If(taken):
                m.next = "LENGTH"
                with m.If(bare):
                    m.next = "FIT"
        with m.State("LENGTH"):
            m.d.comb += self.words.ready.eq(1)
            m.d.sync += self.left.eq(data)
            with m.If(taken):
                m.next = "FIT"
        with m.State("FIT"):
            m.next = "GATE"
            with m.If(~self.fits):
                m.d.sync += self.code.eq(Mux(self.known, Error.LENGTH, Error.UNKNOWN))
                m.next = "REPLY"

    def _gate(self, m: Module) -> None:
        """What needs the memory waits until the engine is held, and for the run before that.

        A damaged program may have ended and left reads behind that nobody takes.
        """
        with m.State("GATE"):
            m.d.sync += self.gated.eq(1)
            with m.If(self.message == EngineMessage.IDENTIFY):
                m.d.sync += self.count.eq(len(self.constants) + 2)
                m.next = "REPLY"
            with m.Elif((self.message == EngineMessage.ABORT) & self.running):
                m.d.sync += self.flags.eq(self.flags | RunFlag.ABORTED)
                m.next = "STOP"
            with m.Elif(self.running):
                self._ends(m)
            with m.Else():
                m.d.sync += [self.pause.eq(1), self.waited.eq(self.waited + 1)]
                with m.If(self.held):
                    m.next = "WORD"
                    with m.If(self.message == EngineMessage.ABORT):
                        m.next = "STOP"
                with m.Elif(self.waited[-1]):
                    m.d.sync += self.rescues.eq(1)
                    m.next = "STOP"

    def _payload(self, m: Module, taken) -> None:
        """The words of a request, one after another."""
        port = self.memory
        first = self.position == 0
        with m.State("WORD"):
            m.d.comb += self.words.ready.eq(1)
            with m.If(taken):
                m.d.sync += [
                    self.word.eq(Cat(self.word[8:], self.words.payload.data)),
                    self.byte.eq(self.byte + 1),
                ]
                with m.If(self.byte == WORD_BYTES - 1):
                    m.d.sync += self.left.eq(self.left - 1)
                    m.next = "TAKE"
        with m.State("TAKE"):
            m.d.sync += self.position.eq(self.position + 1)
            m.next = "WORD"
            with m.If(self.left == 0):
                m.next = "CARRY_OUT"
            with m.Switch(self.message):
                with m.Case(EngineMessage.CONFIGURE):
                    places = [getattr(self, name) for name in _PLACES]
                    for place, behind in zip(places, [*places[1:], self.word], strict=True):
                        m.d.sync += place.eq(behind)
                with m.Case(EngineMessage.RUN):
                    m.d.sync += self.most.eq(self.word)
                with m.Case(EngineMessage.WRITE):
                    m.next = "GIVE"
                    with m.If(first):
                        m.d.sync += self.address.eq(self.word)
                        m.next = "BURST"
                with m.Default():
                    m.d.sync += self.count.eq(self.word)
                    with m.If(first):
                        m.d.sync += self.address.eq(self.word)
        with m.State("BURST"):
            m.d.comb += [
                port.commands.valid.eq(1),
                port.commands.payload.count.eq(self.left - 1),
            ]
            with m.If(port.commands.ready):
                m.next = "WORD"
        with m.State("GIVE"):
            m.d.comb += port.written.valid.eq(1)
            with m.If(port.written.ready):
                m.next = "WORD"
                with m.If(self.left == 0):
                    m.d.sync += self.count.eq(0)
                    m.next = "REPLY"
        with m.State("CARRY_OUT"):
            m.d.comb += self.crc.start.eq(1)
            m.d.sync += self.position.eq(0)
            with m.Switch(self.message):
                with m.Case(EngineMessage.CONFIGURE):
                    m.next = "STOP"
                with m.Case(EngineMessage.RUN):
                    m.next = "PACKET"
                    with m.If(self.loaded):
                        m.d.sync += [
                            self.start.eq(1),
                            self.running.eq(1),
                            self.run_sequence.eq(self.sequence),
                            self.cycles.eq(0),
                            self.flags.eq(0),
                            self.late.eq(0),
                        ]
                    with m.Else():
                        m.d.sync += self.code.eq(Error.RANGE)
                        m.next = "REPLY"
                with m.Case(EngineMessage.READ):
                    m.next = "REPLY"
                with m.Default():
                    m.next = "NEXT"

    def _memory(self, m: Module) -> None:
        """A word of the memory at a time: filled, summed up, or read for a reply."""
        port, crc = self.memory, self.crc
        fills = self.message == EngineMessage.FILL
        sums = self.message == EngineMessage.SUM
        m.d.comb += [
            port.commands.payload.address.eq(self.address),
            port.commands.payload.write.eq(fills | (self.message == EngineMessage.WRITE)),
            port.written.payload.eq(Mux(fills, 0, self.word)),
            crc.bit.eq(self.word[0]),
        ]
        with m.State("NEXT"):
            m.next = "ASK"
            with m.If(self.count == 0):
                m.d.sync += self.count.eq(sums)
                m.next = "REPLY"
        with m.State("ASK"):
            m.d.comb += port.commands.valid.eq(1)
            with m.If(port.commands.ready):
                m.d.sync += self.address.eq(self.address + 1)
                m.next = "GET"
        with m.State("GET"):
            m.d.comb += [port.written.valid.eq(fills), port.read.ready.eq(~fills)]
            with m.If(fills & port.written.ready):
                m.d.sync += self.count.eq(self.count - 1)
                m.next = "NEXT"
            with m.If(~fills & port.read.valid):
                m.d.sync += self.word.eq(port.read.payload)
                m.next = "SEND"
                with m.If(sums):
                    m.next = "BITS"
        with m.State("BITS"):
            m.d.comb += crc.shift.eq(1)
            m.d.sync += [self.word.eq(self.word >> 1), self.bit.eq(self.bit + 1)]
            with m.If(self.bit == WORD_BITS - 1):
                m.d.sync += self.count.eq(self.count - 1)
                m.next = "NEXT"

    def _stop(self, m: Module) -> None:
        """Reset the engine, once nothing that it has asked of the memory is under way."""
        with m.State("STOP"):
            m.d.sync += self.pause.eq(1)
            m.d.comb += self.drain.eq(self.pause)
            with m.If(self.pause & self.held):
                m.d.sync += self.clear.eq(1)
                m.next = "CLEARED"
        with m.State("CLEARED"):
            m.d.sync += [self.running.eq(0), self.count.eq(0), self.rescues.eq(0)]
            m.next = "REPLY"
            with m.If(self.rescues):
                m.next = "GATE"
            with m.Elif(self.running):
                m.next = "RAN"
            with m.Elif(self.message == EngineMessage.CONFIGURE):
                m.d.sync += self.loaded.eq(1)

    def _reply(self, m: Module) -> None:
        """Type, number and words of a reply; of one that refuses, why."""
        reply, taken = self.replies.payload, self.replies.valid & self.replies.ready
        refuses = (self.code != 0) & ~self.of_run
        with m.State("RAN"):
            m.d.sync += [
                self.of_run.eq(1), self.count.eq(2), self.position.eq(0), self.pause.eq(0),
            ]  # fmt: skip
            # A program that goes wrong is loaded again before anything else runs.
            with m.If((self.flags & (RunFlag.REFUSED | RunFlag.OVERRUN)) != 0):
                m.d.sync += self.loaded.eq(0)
            m.next = "REPLY"
        with m.State("REPLY"):
            m.d.comb += [
                self.replies.valid.eq(1),
                reply.data.eq(
                    Mux(
                        refuses, ERROR,
                        Mux(self.of_run, EngineMessage.RUN, self.message) | REPLY,
                    )
                ),
            ]  # fmt: skip
            with m.If(taken):
                m.next = "NUMBER"
        with m.State("NUMBER"):
            m.d.comb += [
                self.replies.valid.eq(1),
                reply.data.eq(Mux(self.of_run, self.run_sequence, self.sequence)),
                reply.last.eq(~refuses & (self.count == 0)),
            ]
            with m.If(taken):
                m.next = "SOURCE"
                with m.If(refuses):
                    m.next = "CODE"
                with m.Elif(reply.last):
                    m.next = "PACKET"
        with m.State("CODE"):
            m.d.comb += [self.replies.valid.eq(1), reply.data.eq(self.code), reply.last.eq(1)]
            with m.If(taken):
                m.next = "PACKET"
        self._reply_words(m)

    def _reply_words(self, m: Module) -> None:
        reply, taken = self.replies.payload, self.replies.valid & self.replies.ready
        state = Cat(self.loaded, self.running)
        identity = [Const(word, WORD_BITS) for word in self.constants] + [state, self.label]
        with m.State("SOURCE"):
            m.next = "SEND"
            with m.If(self.of_run):
                m.d.sync += self.word.eq(Mux(self.position == 0, self.flags, self.cycles))
            with m.Elif(self.message == EngineMessage.IDENTIFY):
                m.d.sync += self.word.eq(Array(identity)[self.position])
            with m.Elif(self.message == EngineMessage.SUM):
                m.d.sync += self.word.eq(self.crc.sum)
            with m.Else():
                m.next = "ASK"
        with m.State("SEND"):
            m.d.comb += [
                self.replies.valid.eq(1),
                reply.data.eq(self.word[:8]),
                reply.last.eq((self.count == 1) & (self.byte == WORD_BYTES - 1)),
            ]
            with m.If(taken):
                m.d.sync += [self.word.eq(self.word >> 8), self.byte.eq(self.byte + 1)]
                with m.If(self.byte == WORD_BYTES - 1):
                    m.d.sync += [
                        self.count.eq(self.count - 1), self.position.eq(self.position + 1),
                    ]  # fmt: skip
                    m.next = "SOURCE"
                with m.If(reply.last):
                    m.d.sync += [self.of_run.eq(0), self.position.eq(0)]
                    m.next = "PACKET"
                    with m.If(self.of_run & self.gated):
                        m.next = "GATE"
