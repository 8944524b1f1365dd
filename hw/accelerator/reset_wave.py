"""A reset that goes from stage to stage of a pipeline, as what it carries does."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..basics.checks import check_range
from ..basics.shapes import count_shape


class ResetWave(wiring.Component):
    """Resets ``stages`` stages of a pipeline, each a cycle after the one before it.

    One wire to all registers of a large design would be its slowest path. A stage that is reset
    later than what it reads takes nothing from before the reset, and nothing goes in before the
    wave has left: however short the reset is, all are reset.

    Members:
        asserted: in; the reset, of a cycle or more.
        stage_resets: out; one bit for each stage, the first lowest.
        outer_reset: out; of what lets data into the pipeline and takes it out; set while any of the
            others is.
    """

    asserted: Signal
    stage_resets: Signal
    outer_reset: Signal

    def __init__(self, stages: int):
        self.stages = check_range("ResetWave", "stages", stages, 1, None)
        super().__init__(
            {
                "asserted": In(1),
                "stage_resets": Out(stages),
                "outer_reset": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        # The domain's own reset is ``asserted``: it must not stop the wave.
        wave = Signal(self.stages, reset_less=True)
        left = Signal(count_shape(self.stages), reset_less=True)
        outer = Signal(reset_less=True)
        m.d.sync += [
            wave.eq((wave << 1) | self.asserted),
            outer.eq(self.asserted | (left != 0)),
        ]
        with m.If(self.asserted):
            m.d.sync += left.eq(self.stages)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        m.d.comb += [self.stage_resets.eq(wave), self.outer_reset.eq(outer)]
        return m
