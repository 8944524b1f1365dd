"""LiteDRAM's core as Verilog: controller, PHY and start-up of one SDRAM, with a native port."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ...golden.errors import RheobaseError
from .chips import SdramChip

#: Name of the module.
CORE = "sdram_core"
#: Clock up to which an SDRAM answers after two cycles; above, after three.
_TWO_CYCLES = 100_000_000


@dataclass(frozen=True)
class SdramCore:
    """The Verilog of a core.

    Attributes:
        text: with the module ``sdram_core``. Ports: ``clk``, ``rst``; ``clk2x``, ``rst2x`` of
            twice the frequency, where the chip's ``rate`` is 2; ``ready``; the native port by
            LiteDRAM's names (``cmd_valid`` ...); the SDRAM's pins ``a``, ``ba``, ``ras_n``,
            ``cas_n``, ``we_n``, ``cke``, ``cs_n``, ``dm`` and ``dq``. With a model in the pins'
            place there is no second clock.
        data_bits, address_bits: of the native port.
    """

    text: str
    data_bits: int
    address_bits: int


def sdram_core(chip: SdramChip, clock: int, *, model: bool = False, ecp5: bool = True) -> SdramCore:
    """The core for ``chip``, which runs at its ``rate`` times the clock: a native word a cycle.

    Args:
        clock: of the native port, Hz.
        model: LiteDRAM's model of the SDRAM inside, for a simulation, in place of the pins.
        ecp5: the pins' registers and buffers are cells of an ECP5, else plain Verilog.

    Raises:
        RheobaseError: the SDRAM is not as fast, or LiteDRAM is absent.
    """
    sdram_clock = chip.rate * clock
    if sdram_clock > chip.fastest:
        raise RheobaseError(
            f"{chip.module}: its clock would be {sdram_clock / 1e6:g} MHz, must be at most "
            f"{chip.fastest / 1e6:g} MHz"
        )
    try:
        from litedram import modules
        from litex.build.lattice.common import lattice_ecp5_trellis_special_overrides
        from litex.gen.fhdl.verilog import convert
    except ImportError as error:
        from ...golden.basics.extras import how_to_install

        raise RheobaseError(
            f"LiteDRAM is absent ({error}): `{how_to_install('litedram')}`"
        ) from error
    from .core_module import CoreModule

    made = getattr(modules, chip.module)(clock, f"1:{chip.rate}")
    latency = 2 if sdram_clock <= _TWO_CYCLES else 3
    core = CoreModule(made, chip, clock, latency, model=model)
    overrides: dict[Any, Any] = lattice_ecp5_trellis_special_overrides if ecp5 else {}
    # Text for synthesis changes a signal twice at a time, which event driven simulators never end.
    text = str(
        convert(
            core, core.ports, name=CORE, special_overrides=overrides, regular_comb=ecp5 or model
        )
    )
    return SdramCore(_plain(text), core.data_bits, core.address_bits)


def _plain(text: str) -> str:
    """Comments name the day; and pins that are driven at times go both ways."""
    text = re.sub(r"^//.*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"input  wire (.*\b(dq|dqs_p)\b)", r"inout  wire \1", text)
