"""Verilog through yosys and nextpnr: resources, clock and critical path, kept like builds are."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..golden.errors import MachineError
from ..hw.memories.devices import GW2AR_18C, ICE40UP5K, LFE5U_85F, Device, Family
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
#: GW2AR-LV18QN88C8/I7 of the Tang Nano 20K.
TANG_NANO_20K = PackagedDevice(
    GW2AR_18C, ("--device", "GW2AR-LV18QN88C8/I7", "--vopt", "family=GW2A-18C"), 54
)

#: What nextpnr calls the end of a path that is a pin.
_PINS = "<async>"
#: Options of yosys' synthesis for a family. Without its wide multiplexers an ECP5 design takes a
#: thirtieth less: they are built of look-up tables in powers of two, of which some are constant.
SYNTHESIS_OPTIONS = {Family.ECP5: "-nowidelut", Family.ICE40: "", Family.GOWIN: "-nowidelut"}
#: nextpnr's router of a family. Of ECP5 the one for large designs, as the other does not end where
#: three quarters are full; of iCE40 the other, as that one moves two wires to and fro for ever.
ROUTERS = {
    Family.ECP5: "--router router2",
    Family.ICE40: "--router router1",
    Family.GOWIN: "--router router2",
}
_SYNTHESIS = {
    Family.ECP5: "synth_ecp5",
    Family.ICE40: "synth_ice40 -device u",
    Family.GOWIN: "synth_gowin -family gw2a",
}
#: Cells of Gowin.
_GOWIN_LUT, _GOWIN_RAM, _GOWIN_REGISTER = r"LUT[1-4]", r"RAM16SDP\d", r"DFFN?[SRPC]?E?"
_ROUTE = {
    Family.ECP5: ("--lpf-allow-unconstrained",),
    Family.ICE40: ("--pcf-allow-unconstrained",),
    Family.GOWIN: (),
}


@dataclass(frozen=True)
class Resources:
    """What a mapped netlist takes.

    Attributes:
        luts: 4-input look-up tables, those in carry chains and distributed RAM included (two a
            carry cell and six a 16 x 4 RAM on ECP5, as nextpnr counts them). On iCE40 logic cells:
            one for each of them, and for each register with none of its own in front; on Gowin
            both: one a carry cell, eight a RAM.
        logic_luts: without carry chains and distributed RAM.
        flip_flops: registers.
        block_rams: DP16KD (18 kbit) on ECP5, EBR (4 kbit) on iCE40, BSRAM (18 kbit) on Gowin.
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

    def count_like(pattern: str) -> int:
        return sum(number for kind, number in cells.items() if re.fullmatch(pattern, kind))

    logic = count("SB_LUT4") + count_like(_GOWIN_LUT)
    carries = 2 * count("CCU2C") + count("ALU")
    family = Family.GOWIN if count_like(_GOWIN_REGISTER) else Family.ECP5
    distributed = count("TRELLIS_DPR16X4") + count_like(_GOWIN_RAM)
    rams = family.distributed_luts * distributed
    return Resources(
        luts=logic + carries + rams + len(lone_registers(module)),
        logic_luts=logic,
        flip_flops=count_like(rf"TRELLIS_FF|SB_DFF\w*|{_GOWIN_REGISTER}"),
        block_rams=count_like(r"DP16KD|SB_RAM40\w*|(SP|SPX9|SDPB|SDPX9B|DPB|DPX9B)"),
        large_rams=count("SB_SPRAM256KA"),
    )


def cell_places(netlist: Path, top: str) -> dict[str, int]:
    """Look-up tables that each cell of a Gowin ``netlist`` takes the place of, by its name."""
    module = json.loads(netlist.read_text())["modules"][top]
    places = dict.fromkeys(lone_registers(module), 1)
    for name, cell in module["cells"].items():
        if re.fullmatch(_GOWIN_RAM, cell["type"]):
            places[name] = Family.GOWIN.distributed_luts
        elif re.fullmatch(rf"{_GOWIN_LUT}|ALU", cell["type"]):
            places[name] = 1
    return places


def lone_registers(module: dict) -> list[str]:
    """Names of registers of iCE40 and Gowin that share their cell with no look-up table.

    What comes from elsewhere passes through the cell's look-up table. A cell of iCE40 has one
    output: that of its register, if what the look-up table in front gives goes nowhere else, or of
    the look-up table. One of Gowin has both, and a carry cell is one of them.
    """
    cells = module["cells"]
    gowin = re.compile(_GOWIN_REGISTER)
    given = {
        name: cell["connections"]["D"][0]
        for name, cell in cells.items()
        if cell["type"].startswith("SB_DFF") or gowin.fullmatch(cell["type"])
    }
    if not given:
        return []
    if any(gowin.fullmatch(cell["type"]) for cell in cells.values()):
        logic = re.compile(rf"{_GOWIN_LUT}|ALU")
        made = {
            bit
            for cell in cells.values()
            if logic.fullmatch(cell["type"])
            for port in ("F", "SUM")
            for bit in cell["connections"].get(port, ())
        }
        lone = []
        for name, bit in given.items():
            # The first register behind a look-up table has its cell.
            if bit in made:
                made.remove(bit)
            else:
                lone.append(name)
        return lone
    tables = set()
    loads: dict[int | str, int] = {}
    for cell in cells.values():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                for bit in bits:
                    loads[bit] = loads.get(bit, 0) + 1
            elif cell["type"] == "SB_LUT4":
                tables.update(bits)
    for port in module["ports"].values():
        for bit in port["bits"]:
            loads[bit] = loads.get(bit, 0) + 1
    return [name for name, bit in given.items() if bit not in tables or loads[bit] > 1]


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
