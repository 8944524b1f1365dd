"""What an SDRAM is told before its controller takes over, without a processor."""

from __future__ import annotations

from litedram.init import get_sdr_phy_init_sequence
from litedram.phy import dfi
from migen import If, Module, Signal


class StartUp(Module):
    """Gives LiteDRAM's sequence of commands for a single data rate SDRAM, then ``done``.

    LiteDRAM leaves the sequence to software; here a counter steps through it.

    Args:
        settings: of the PHY.
        like: the interface that the commands go to.

    Attributes:
        dfi: the commands.
        done: the controller may take over.
    """

    def __init__(self, settings, timing, like: dfi.Interface):
        phase = like.phases[0]
        self.dfi = dfi.Interface(
            len(phase.address), len(phase.bank), settings.nranks, settings.dfi_databits,
            settings.nphases,
        )  # fmt: skip
        self.done = Signal()
        steps, _ = get_sdr_phy_init_sequence(settings, timing)
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
        for each in self.dfi.phases:
            self.comb += each.cke.eq(1)
        for number, (_, address, bank, names, _wait) in enumerate(steps):
            if "DFII_COMMAND" not in names:
                continue
            self.sync += If((left == 0) & (step + 1 == number), left.eq(waits[number]))
            self.comb += If(
                begins & (step == number),
                command.address.eq(address),
                command.bank.eq(bank),
                command.cs_n.eq(0),
                command.ras_n.eq("COMMAND_RAS" not in names),
                command.cas_n.eq("COMMAND_CAS" not in names),
                command.we_n.eq("COMMAND_WE" not in names),
            )
