"""Amaranth's Gowin platform with today's nextpnr."""

from __future__ import annotations

from amaranth.vendor import GowinPlatform

#: Himbaechel took the place of the nextpnr-gowin that Amaranth's commands ask for.
_NEXTPNR = "nextpnr-himbaechel-gowin"
_PLACE = """
{{invoke_tool("NEXTPNR")}}
    {{quiet("--quiet")}}
    {{get_override("nextpnr_opts")|options}}
    --log {{name}}.tim
    --device {{platform.part}}
    --vopt family={{platform.database}}
    --vopt cst={{name}}.cst
    --freq {{platform.megahertz}}
    --json {{name}}.syn.json
    --write {{name}}.pnr.json
""".replace("NEXTPNR", _NEXTPNR)


class HimbaechelGowinPlatform(GowinPlatform):
    """Yosys, nextpnr-himbaechel and Apicula's gowin_pack.

    Attributes:
        database: what nextpnr and gowin_pack call the device.
    """

    @property
    def device(self) -> str:
        return self.family

    @property
    def _chipdb_device(self) -> str:
        return self.database

    @property
    def megahertz(self) -> float:
        """Of the design's clock: a loop's where there is one, else the oscillator's."""
        made = [frequency for _, frequency in self.iter_signal_clock_constraints()]
        return (made or [self.default_clk_frequency])[0] / 1e6

    @property
    def required_tools(self) -> list[str]:
        return ["yosys", _NEXTPNR, "gowin_pack"]

    @property
    def command_templates(self) -> list[str]:
        synthesise, _, pack = self._apicula_command_templates
        return [synthesise, _PLACE, pack]
