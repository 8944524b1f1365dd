"""The tier in Amaranth's simulator fails where a component does."""

import pytest
from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rheobase.hw.basics.queue import Queue
from tests.support.simulation.amaranth_exchange import simulate_exchange

pytestmark = pytest.mark.quick


class _Restless(wiring.Component):
    """Passes a stream on, but shows it in every other cycle only, whether it was taken or not."""

    input: In(stream.Signature(4))
    output: Out(stream.Signature(4))

    def elaborate(self, platform):
        m = Module()
        shown = Signal()
        m.d.sync += shown.eq(~shown)
        m.d.comb += [
            self.output.payload.eq(self.input.payload),
            self.output.valid.eq(self.input.valid & shown),
            self.input.ready.eq(self.output.ready & shown),
        ]
        return m


@pytest.mark.parametrize(
    ("component", "given", "expected", "message"),
    [
        (Queue(4, 2), [1, 2], [1, 3], r"output\[1\]: 0x2, expected 0x3"),
        (Queue(4, 2), [1, 2], [1], "output: an extra payload"),
        (Queue(4, 2), [1, 2], [1, 2, 3], "hangs"),
        (_Restless(), [1, 2, 3, 4] * 9, [1, 2, 3, 4] * 9, "withdrawn before it was taken"),
    ],
    ids=["wrong", "extra", "missing", "withdrawn"],
)
def test_a_fault_is_found(component, given, expected, message):
    with pytest.raises(AssertionError, match=message):
        simulate_exchange(component, {"input": (4, given)}, {"output": (4, expected)})
