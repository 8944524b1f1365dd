"""Registers on Wishbone to the accelerator's streams."""

from __future__ import annotations

from amaranth import Cat, Module, ResetInserter, Shape, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.network.network import PIXEL_BITS, Coding, Network
from ...hw.accelerator.accelerator import result_layout, result_names
from ...hw.basics.checks import check_range
from ...hw.basics.queue import Queue
from ...hw.basics.shapes import count_shape, index_shape
from .register_map import (
    IDENTITY,
    WORD_BITS,
    WORD_BYTES,
    Access,
    Register,
    identity_of,
    pixel_words,
    register_map,
)

#: Pixels that wait for the accelerator.
PIXEL_DEPTH = 16
#: Results that wait for the bus, at most: an image's where it has fewer.
RESULT_DEPTH = 512


class WishboneBridge(wiring.Component):
    """A Wishbone B4 classic device of 32 bits: pixels, T and t0 in, results out, an interrupt.

    It answers in the second cycle of a request, always: what is not possible now (a pixel without
    room, a score before there is one), not there or not allowed (part of a word, a T out of range)
    is answered by ``err`` and changes nothing. So a processor cannot come to wait for an
    accelerator that waits for the processor.

    T and t0 go with the pixels: they are those that were set when an image's first pixel was
    written.

    Args:
        pixel_depth: pixels that wait.
        result_depth: results of an output that wait, at most.

    Members:
        adr: in; number of a register (``register_map``), a word address.
        dat_w, sel, we, stb, cyc: in; as Wishbone has them.
        dat_r, ack, err: out; the same.
        interrupt: out; high while it is enabled and DONE.
        clear: out; resets the accelerator, for a cycle.
        pixels: out, stream; pixels, as the accelerator has them.
        steps, delay: out; T and t0 of the pixel that is offered.
        results ...: in, streams; as the accelerator has them.
    """

    adr: Signal
    dat_w: Signal
    sel: Signal
    we: Signal
    stb: Signal
    cyc: Signal
    dat_r: Signal
    ack: Signal
    err: Signal
    interrupt: Signal
    clear: Signal
    pixels: stream.Interface
    steps: Signal
    delay: Signal

    def __init__(
        self, network: Network, pixel_depth: int = PIXEL_DEPTH, result_depth: int = RESULT_DEPTH
    ):
        self.network = network
        self.pixel_depth = check_range("WishboneBridge", "pixel_depth", pixel_depth, 1, None)
        self.result_depth = check_range("WishboneBridge", "result_depth", result_depth, 1, None)
        self.registers = {register.name: register for register in register_map(network)}
        self.names = result_names(network)
        words = max(register.word for register in self.registers.values()) + 1
        members = {
            "adr": In(index_shape(words)),
            "dat_w": In(WORD_BITS),
            "sel": In(WORD_BYTES),
            "we": In(1),
            "stb": In(1),
            "cyc": In(1),
            "dat_r": Out(WORD_BITS),
            "ack": Out(1),
            "err": Out(1),
            "interrupt": Out(1),
            "clear": Out(1),
            "pixels": Out(stream.Signature(data.ArrayLayout(PIXEL_BITS, network.input_shape[0]))),
            "steps": Out(count_shape(network.steps)),
            "delay": Out(index_shape(network.steps)),
        }
        for output, name in enumerate(self.names):
            members[name] = In(stream.Signature(result_layout(network, output)))
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        request = Signal()
        m.d.comb += request.eq(self.cyc & self.stb & ~self.ack & ~self.err)
        #: What a register reads as, and whether a request for it can be answered, by name.
        values: dict[str, object] = {
            "ID": IDENTITY,
            "NETWORK": identity_of(self.network),
        }
        possible: dict[str, object] = {}
        asked = {
            name: self._asked(m, register, request) for name, register in self.registers.items()
        }
        enabled, done = Signal(), Signal()
        room = self._pixels(m, asked, values, possible)
        waiting = self._results(m, asked, values, possible, done)
        values["CONTROL"] = Cat(0, enabled)
        values["STATUS"] = Cat(room, done, *waiting)
        with m.If(asked["CONTROL"] & self.we):
            m.d.sync += enabled.eq(self.dat_w[1])
        m.d.sync += self.clear.eq(asked["CONTROL"] & self.we & self.dat_w[0])
        m.d.sync += self.interrupt.eq(enabled & done)

        answered = Signal()
        m.d.sync += [self.ack.eq(request & answered), self.err.eq(request & ~answered)]
        with m.Switch(self.adr):
            for name, register in self.registers.items():
                with m.Case(register.word):
                    allowed = {
                        Access.READ: ~self.we,
                        Access.WRITE: self.we,
                        Access.READ_WRITE: 1,
                    }[register.access]
                    m.d.comb += answered.eq(self.sel.all() & allowed & (possible.get(name, 1)))
                    if register.access != Access.WRITE:
                        m.d.sync += self.dat_r.eq(values[name])
        return m

    def _asked(self, m: Module, register: Register, request: Signal) -> Signal:
        """A request for ``register`` in whole words, in the one cycle in which it is answered."""
        asked = Signal(name=f"asked_{register.name.lower()}")
        m.d.comb += asked.eq(request & self.sel.all() & (self.adr == register.word))
        return asked

    def _pixels(self, m: Module, asked, values, possible) -> Signal:
        """Words to pixels, with T and t0; whether there is room for a pixel."""
        network = self.network
        steps = Signal(self.steps.shape(), init=network.steps)
        delay = Signal(self.delay.shape(), init=network.delay)
        most_delay = 0 if network.coding == Coding.RADIX else network.steps - 1
        values |= {"STEPS": steps, "DELAY": delay}
        for name, held, least, most in (
            ("STEPS", steps, 1, network.steps),
            ("DELAY", delay, 0, most_delay),
        ):
            fits = (self.dat_w >= least) & (self.dat_w <= most)
            possible[name] = ~self.we | fits
            with m.If(asked[name] & self.we & fits):
                m.d.sync += held.eq(self.dat_w)

        layout = data.StructLayout(
            {
                "pixel": Shape.cast(self.pixels.payload.shape()).width,
                "steps": steps.shape(),
                "delay": delay.shape(),
            }
        )
        m.submodules.pixel_queue = queue = ResetInserter(self.clear)(
            Queue(layout, self.pixel_depth)
        )
        room = Signal()
        m.d.comb += room.eq(queue.input.ready & ~self.clear)
        # An image whose t0 is not below its T would never end.
        possible["PIXEL"] = room & (delay < steps)
        taken = Signal()
        m.d.comb += taken.eq(asked["PIXEL"] & self.we & room & (delay < steps))
        words = pixel_words(network)
        before = Signal((words - 1) * WORD_BITS)
        last = 1
        if words > 1:
            word = Signal(range(words))
            last = word == words - 1
            with m.If(taken):
                m.d.sync += before.eq(Cat(before[WORD_BITS:], self.dat_w))
                m.d.sync += word.eq(word + 1)
                with m.If(last):
                    m.d.sync += word.eq(0)
            with m.If(self.clear):
                m.d.sync += word.eq(0)
        offered = queue.output.payload
        m.d.comb += [
            queue.input.valid.eq(taken & last),
            queue.input.payload.pixel.eq(Cat(before, self.dat_w)),
            queue.input.payload.steps.eq(steps),
            queue.input.payload.delay.eq(delay),
            self.pixels.payload.eq(offered.pixel),
            self.pixels.valid.eq(queue.output.valid & ~self.clear),
            queue.output.ready.eq(self.pixels.ready & ~self.clear),
            self.steps.eq(offered.steps),
            self.delay.eq(offered.delay),
        ]
        return room

    def _results(self, m: Module, asked, values, possible, done: Signal) -> list[Signal]:
        """Results to registers; for each output whether one waits."""
        waiting, whole = [], []
        for output, name in enumerate(self.names):
            results = getattr(self, name)
            classes, rows, columns = self.network.output_shapes[output]
            depth = min(classes * rows * columns, self.result_depth)
            queue = ResetInserter(self.clear)(Queue(results.payload.shape(), depth))
            m.submodules[f"result_queue{output}"] = queue
            enters = Signal(name=f"enters{output}")
            leaves = Signal(name=f"leaves{output}")
            shown = queue.output.payload
            m.d.comb += [
                queue.input.payload.eq(results.payload),
                queue.input.valid.eq(results.valid & ~self.clear),
                results.ready.eq(queue.input.ready & ~self.clear),
                enters.eq(results.valid & results.ready),
                leaves.eq(asked[f"SCORE{output}"] & ~self.we & queue.output.valid),
                queue.output.ready.eq(leaves),
            ]
            # An image's last result in the queue; with a queue of an image there is one at a time
            # but for images of a single result.
            ends = Signal(range(depth + 1), name=f"ends{output}")
            m.d.sync += ends.eq(ends + (enters & results.payload.last) - (leaves & shown.last))
            with m.If(self.clear):
                m.d.sync += ends.eq(0)
            high, answer = Signal(WORD_BITS), Signal.like(shown.prediction)
            wide = Signal(signed(2 * WORD_BITS), name=f"score{output}")
            m.d.comb += wide.eq(shown.score)
            with m.If(leaves):
                m.d.sync += [high.eq(wide[WORD_BITS:]), answer.eq(shown.prediction)]
            values |= {
                f"SCORE{output}": wide[:WORD_BITS],
                f"SCORE{output}_HIGH": high,
                f"ANSWER{output}": answer,
            }
            possible[f"SCORE{output}"] = queue.output.valid
            waiting.append(queue.output.valid)
            whole.append((ends != 0) | ~queue.input.ready)
        m.d.comb += done.eq(Cat(whole).all())
        return waiting
