"""What a DDR3 memory is told before its controller takes over, by its standard (JESD79-3)."""

from __future__ import annotations

import numpy as np
from litedram import modules
from litedram.phy.dfi import Interface
from litedram.phy.ecp5ddrphy import ECP5DDRPHY
from migen import Record
from migen.sim import run_simulation

from rheobase.boards.sdram.start_up import StartUp

CLOCK = 48_000_000
_RESET, _CKE, _DLL = 200e-6, 500e-6, 512


def test_a_ddr3_memory_is_started_as_its_standard_says() -> None:
    made = modules.MT41K64M16(CLOCK, "1:2")
    pads = Record(
        [("a", 13), ("ba", 3), ("ras_n", 1), ("cas_n", 1), ("we_n", 1), ("cs_n", 1), ("cke", 1),
         ("odt", 1), ("reset_n", 1), ("clk_p", 1), ("dm", 2), ("dq", 16), ("dqs_p", 2)]
    )  # fmt: skip
    phy = ECP5DDRPHY(pads, sys_clk_freq=CLOCK)
    start = StartUp(phy.settings, made.timing_settings, Interface(13, 3, 1, 64, 2), CLOCK)
    commands, rises, ends = [], {}, []

    def look():
        for cycle in range(100_000):
            yield
            if (yield start.done):
                ends.append(cycle)
                return
            first, second = start.dfi.phases
            for pin in ("reset_n", "cke"):
                if (yield getattr(first, pin)):
                    rises.setdefault(pin, cycle)
                assert (yield getattr(first, pin)) == (yield getattr(second, pin))
            assert (yield second.cs_n)
            if not (yield first.cs_n):
                named = ""
                for name, pin in zip("RCW", ("ras_n", "cas_n", "we_n"), strict=True):
                    if not (yield getattr(first, pin)):
                        named += name
                commands.append((cycle, named, (yield first.bank), (yield first.address)))

    run_simulation(start, look())
    assert rises["reset_n"] >= _RESET * CLOCK
    assert rises["cke"] - rises["reset_n"] >= _CKE * CLOCK
    # Mode registers 2, 3, 1, 0: CWL 5, 60 ohm while it is written; 34 ohm, 60 ohm; CL 6, 5 cycles
    # of recovery, and its loop begins anew; then calibration, and 512 of its cycles for both.
    assert [command[1:] for command in commands] == [
        ("RCW", 2, 0x200),
        ("RCW", 3, 0),
        ("RCW", 1, 0x006),
        ("RCW", 0, 0x320),
        ("W", 0, 0x400),
    ]
    assert phy.settings.cl == 6 and phy.settings.cwl == 5
    cycles = [cycle for cycle, *_ in commands]
    assert cycles[0] > rises["cke"] and min(np.diff(cycles)) >= 12
    assert 2 * (ends[0] - cycles[3]) >= _DLL
