"""What an SDRAM is told before its controller takes over, without a processor."""

from __future__ import annotations

from math import ceil

from litedram.init import get_ddr3_phy_init_sequence, get_sdr_phy_init_sequence
from litedram.phy import dfi
from migen import If, Module, Signal

#: Seconds that a DDR3 memory is in reset when its power has come (JESD79-3, 3.3.1).
_RESET = 200e-6
_SEQUENCES = {"SDR": get_sdr_phy_init_sequence, "DDR3": get_ddr3_phy_init_sequence}
#: What a step says of pins, from then on.
_CONTROLS = {
    "DFII_CONTROL_CKE": "cke",
    "DFII_CONTROL_ODT": "odt",
    "DFII_CONTROL_RESET_N": "reset_n",
}


class StartUp(Module):
    """Gives LiteDRAM's sequence of commands for an SDRAM, then ``done``.

    LiteDRAM leaves the sequence to software; here a counter steps through it.

    Args:
        settings: of the PHY.
        like: the interface that the commands go to.
        clock: of the commands, Hz.

    Attributes:
        dfi: the commands.
        done: the controller may take over.
    """

    def __init__(self, settings, timing, like: dfi.Interface, clock: int):
        phase = like.phases[0]
        self.dfi = dfi.Interface(
            len(phase.address), len(phase.bank), settings.nranks, settings.dfi_databits,
            settings.nphases,
        )  # fmt: skip
        self.done = Signal()
        steps, _ = _SEQUENCES[settings.memtype](settings, timing)
        if settings.memtype == "DDR3":
            steps = [("Reset", 0, 0, "", ceil(_RESET * clock)), *steps]
        waits = [max(16, wait) for *_, wait in steps]
        step = Signal(max=len(steps) + 1)
        left = Signal(max=max(waits) + 1, reset=waits[0])
        begins = Signal()
        # A step's command comes after its wait has begun; the first is to wait alone.
        self.sync += [
            begins.eq(0),
            If(left != 0, left.eq(left - 1))
            .Elif(step == len(steps) - 1, self.done.eq(1))
            .Else(step.eq(step + 1), begins.eq(1)),
        ]
        command = self.dfi.phases[0]
        for name, pin in _CONTROLS.items():
            first = next((n for n, (*_, names, _) in enumerate(steps) if name in names), None)
            if first is not None:
                for each in self.dfi.phases:
                    self.comb += getattr(each, pin).eq(step >= first)
        for number, (_, address, bank, names, _wait) in enumerate(steps):
            if number:
                self.sync += If((left == 0) & (step + 1 == number), left.eq(waits[number]))
            if "DFII_COMMAND" not in names:
                continue
            self.comb += If(
                begins & (step == number),
                command.address.eq(address),
                command.bank.eq(bank),
                command.cs_n.eq(0),
                command.ras_n.eq("COMMAND_RAS" not in names),
                command.cas_n.eq("COMMAND_CAS" not in names),
                command.we_n.eq("COMMAND_WE" not in names),
            )
