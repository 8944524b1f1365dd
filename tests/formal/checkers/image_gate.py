"""ImageGate: the setting stands still while an image is inside; pixels pass unchanged."""

from amaranth import Module, Mux, Signal
from amaranth.hdl import Assume

from rheobase.hw.accelerator.image_gate import ImageGate
from rheobase.hw.basics.shapes import count_shape, index_shape
from rheobase.sim.prove import Checker


class ImageGateChecker(Checker):
    """Assumes that the setting asked for stands still while a pixel waits, as its payload does."""

    component: ImageGate

    def state(self, m: Module) -> None:
        gate = self.component
        self.assume_stream(m, gate.pixels, "pixels")
        self.check_stream(m, gate.admitted, "admitted")
        waits = Signal()
        asked_before = Signal(len(gate.steps) + len(gate.delay))
        asked = Signal.like(asked_before)
        held = Signal.like(asked_before)
        m.d.comb += [
            asked[: len(gate.steps)].eq(gate.steps),
            asked[len(gate.steps) :].eq(gate.delay),
            held[: len(gate.steps)].eq(gate.steps_held),
            held[len(gate.steps) :].eq(gate.delay_held),
            Assume(~waits | (asked == asked_before)),
        ]
        m.d.sync += [waits.eq(gate.pixels.valid & ~gate.pixels.ready), asked_before.eq(asked)]

        # Images that have entered at least in part, and those that are inside as a whole.
        taken = Signal()
        entered_pixels = Signal(range(gate.pixel_count + 1))
        inside = Signal(range(gate.images + 2))
        complete = Signal(range(gate.images + 2))
        first = Signal()
        last = Signal()
        m.d.comb += [
            taken.eq(gate.pixels.valid & gate.pixels.ready),
            first.eq(taken & (entered_pixels == 0)),
            last.eq(taken & (entered_pixels == gate.pixel_count - 1)),
            # An image leaves after its last pixel has entered.
            Assume(~gate.image_done | (complete != 0)),
        ]
        with m.If(taken):
            m.d.sync += entered_pixels.eq(Mux(last, 0, entered_pixels + 1))
        m.d.sync += [
            inside.eq(inside + first - gate.image_done),
            complete.eq(complete + last - gate.image_done),
        ]
        given = gate.admitted.valid & gate.admitted.ready
        self.check(m, "passes_what_it_takes", given == taken)
        self.check(m, "unchanged", ~taken | (gate.admitted.payload == gate.pixels.payload))
        self.check(m, "images_bounded", inside <= gate.images)
        self.check(m, "enters_with_its_setting", ~first | (held == asked))
        held_before = Signal.like(held)
        occupied_before = Signal()
        m.d.sync += [held_before.eq(held), occupied_before.eq(first | (inside != 0))]
        # Up to and with the cycle in which the last image leaves.
        self.check(m, "setting_stands_still", ~occupied_before | (held == held_before))
        # An image in part is never held up, nor is one with the same setting where there is room.
        room = (held == asked) & (inside != gate.images)
        self.check(
            m,
            "no_needless_wait",
            ~(gate.pixels.valid & ((entered_pixels != 0) | room)) | gate.admitted.valid,
        )
        waited_empty = Signal()
        m.d.sync += waited_empty.eq(gate.pixels.valid & (inside == 0) & ~taken)
        self.check(m, "enters_an_empty_pipeline", ~waited_empty | gate.admitted.valid)
        self.check(m, "pixel", self.peek("pixel", index_shape(gate.pixel_count)) == entered_pixels)
        self.check(m, "inside", self.peek("inside_0", count_shape(gate.images)) == inside)
        self.check(m, "pixel_in_range", entered_pixels < gate.pixel_count)
        self.check(m, "complete", inside == complete + (entered_pixels != 0))
