"""Verilog through yosys and nextpnr: resources, clock and critical path, kept like builds are."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..golden.errors import MachineError
from ..hw.memories.devices import ICE40UP5K, LFE5U_85F, Device, Family
from ..hw.verilog.header import without_header
from .tools.cache import cached, content_key
from .tools.eda_tools import find_tool


@dataclass(frozen=True)
class PackagedDevice:
    """A device in its package, as nextpnr takes it.

    Attributes:
        arguments: of nextpnr, the device, its package and its speed grade.
        frequency: MHz that place and route aims at.
    """

    device: Device
    arguments: tuple[str, ...]
    frequency: float

    @property
    def family(self) -> Family:
        return self.device.family


#: LFE5U-85F-6BG381C of the ULX3S-85F.
ULX3S_85F = PackagedDevice(LFE5U_85F, ("--85k", "--package", "CABGA381", "--speed", "6"), 80)
#: iCE40UP5K-SG48 of the iCEBreaker.
ICEBREAKER = PackagedDevice(ICE40UP5K, ("--up5k", "--package", "sg48"), 16)

#: What nextpnr calls the end of a path that is a pin.
_PINS = "<async>"
#: Options of yosys' synthesis for a family. Without its wide multiplexers an ECP5 design takes a
#: thirtieth less: they are built of look-up tables in powers of two, of which some are constant.
SYNTHESIS_OPTIONS = {Family.ECP5: "-nowidelut", Family.ICE40: ""}
#: nextpnr's router of a family. Of ECP5 the one for large designs, as the other does not end where
#: three quarters are full; of iCE40 the other, as that one moves two wires to and fro for ever.
ROUTERS = {Family.ECP5: "--router router2", Family.ICE40: "--router router1"}
_SYNTHESIS = {Family.ECP5: "synth_ecp5", Family.ICE40: "synth_ice40 -device u"}
_ROUTE = {
    Family.ECP5: ("--lpf-allow-unconstrained",),
    Family.ICE40: ("--pcf-allow-unconstrained",),
}


@dataclass(frozen=True)
class Resources:
    """What a mapped netlist takes.

    Attributes:
        luts: 4-input look-up tables, those in carry chains and distributed RAM included (two a
            carry cell and six a 16 x 4 RAM on ECP5, as nextpnr counts them). On iCE40 logic cells:
            one for each of them, and for each register with none of its own in front.
        logic_luts: without carry chains and distributed RAM.
        flip_flops: registers.
        block_rams: DP16KD (18 kbit) on ECP5, EBR (4 kbit) on iCE40.
        large_rams: SPRAM (256 kbit) on iCE40.
    """

    luts: int
    logic_luts: int
    flip_flops: int
    block_rams: int
    large_rams: int


@dataclass(frozen=True)
class Synthesis:
    """A mapped netlist: JSON for nextpnr, Verilog of cells for a simulation."""

    device: PackagedDevice
    netlist: Path
    verilog: Path
    resources: Resources


@dataclass(frozen=True)
class Timing:
    """What nextpnr reports of a routed design.

    Attributes:
        frequency: MHz, the highest clock of the slowest clock domain.
        critical_path: cell pins from register to register, each with the delay up to it in ns.
    """

    frequency: float
    critical_path: tuple[tuple[str, float], ...]


def synthesise(verilog: str, top: str, device: PackagedDevice) -> Synthesis:
    """Map ``verilog`` to the cells of ``device``.

    Raises:
        MachineError: yosys is absent or failed.
    """
    yosys = find_tool("yosys")
    script = (
        f"read_verilog design.v; {_SYNTHESIS[device.family]} {SYNTHESIS_OPTIONS[device.family]} "
        f"-top {top} -json netlist.json; "
        "write_verilog -noattr netlist.v"
    )
    verilog = without_header(verilog)
    key = content_key([verilog, script, yosys.version])

    def build(folder: Path) -> None:
        (folder / "design.v").write_text(verilog)
        yosys.run(["-q", "-l", "yosys.log", "-p", script], folder, f"yosys on {top}")

    folder = cached("synthesis", key, build)
    netlist = folder / "netlist.json"
    return Synthesis(device, netlist, folder / "netlist.v", count_resources(netlist, top))


def count_resources(netlist: Path, top: str) -> Resources:
    """Cells of module ``top`` in yosys' JSON ``netlist``."""
    cells: dict[str, int] = {}
    module = json.loads(netlist.read_text())["modules"][top]
    for cell in module["cells"].values():
        cells[cell["type"]] = cells.get(cell["type"], 0) + 1

    def count(*kinds: str) -> int:
        return sum(cells.get(kind, 0) for kind in kinds)

    logic = count("LUT4", "SB_LUT4")
    flip_flops = sum(
        number for kind, number in cells.items() if kind == "TRELLIS_FF" or "SB_DFF" in kind
    )
    return Resources(
        luts=logic + 2 * count("CCU2C") + 6 * count("TRELLIS_DPR16X4") + lone_registers(module),
        logic_luts=logic,
        flip_flops=flip_flops,
        block_rams=sum(n for kind, n in cells.items() if kind == "DP16KD" or "SB_RAM40" in kind),
        large_rams=count("SB_SPRAM256KA"),
    )


def lone_registers(module: dict) -> int:
    """iCE40's registers that share their cell with no look-up table.

    A cell has one output: that of its register, if what the look-up table in front gives goes
    nowhere else, or of the look-up table.
    """
    given = [
        cell["connections"]["D"][0]
        for cell in module["cells"].values()
        if cell["type"].startswith("SB_DFF")
    ]
    if not given:
        return 0
    tables = set()
    loads: dict[int | str, int] = {}
    for cell in module["cells"].values():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                for bit in bits:
                    loads[bit] = loads.get(bit, 0) + 1
            elif cell["type"] == "SB_LUT4":
                tables.update(bits)
    for port in module["ports"].values():
        for bit in port["bits"]:
            loads[bit] = loads.get(bit, 0) + 1
    return sum(bit not in tables or loads[bit] > 1 for bit in given)


def place_and_route(synthesis: Synthesis, seed: int = 1) -> Timing:
    """Fmax of ``synthesis`` after nextpnr. Pins go anywhere; paths from and to them do not count.

    Raises:
        MachineError: nextpnr is absent, or the design does not fit (its message says what).
    """
    device = synthesis.device
    nextpnr = find_tool(f"nextpnr-{device.family}")
    arguments = [
        *device.arguments,
        *_ROUTE[device.family],
        *ROUTERS[device.family].split(),
        "--freq",
        f"{device.frequency:g}",
        "--timing-allow-fail",
        "--seed",
        str(seed),
        "--report",
        "report.json",
        "-q",
    ]
    key = content_key([synthesis.netlist.read_bytes(), *arguments, nextpnr.version])

    def build(folder: Path) -> None:
        # The WebAssembly tools see the folder that they are started in.
        shutil.copy(synthesis.netlist, folder / "netlist.json")
        nextpnr.run([*arguments, "--json", "netlist.json"], folder)
        (folder / "netlist.json").unlink()

    report = json.loads((cached("routes", key, build) / "report.json").read_text())
    return timing_of_report(report)


def timing_of_report(report: dict) -> Timing:
    """The slowest clock, and its critical path, of nextpnr's report."""
    clocks = report.get("fmax", {})
    if not clocks:
        raise MachineError("nextpnr: the report names no clock")
    frequency = min(clock["achieved"] for clock in clocks.values())
    paths = [
        path["path"]
        for path in report.get("critical_paths", [])
        if path["from"] == path["to"] != _PINS and path["path"]
    ]
    steps, total = [], 0.0
    for part in max(paths, key=lambda path: sum(p["delay"] for p in path), default=[]):
        total += part["delay"]
        where = part["to"]
        steps.append((f"{where['cell']}.{where['port']}", round(total, 2)))
    return Timing(frequency, tuple(steps))
