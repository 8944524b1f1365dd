"""A RISC-V processor beside the accelerator, in LiteX, simulated: its program classifies digits.

    rheobase generate net.safetensors --interface wishbone -o digits_wb.v
    python examples/litex/soc.py digits_wb.v --network net.safetensors --images digits --count 3

It needs `pip install 'litex==2024.12' pythondata-cpu-vexriscv` and a compiler for RISC-V (Debian's
gcc-riscv64-unknown-elf). The processor is VexRiscv; its program (`firmware.c`) writes the pixels,
waits for the interrupt, and prints scores and answers, which are compared with the golden model.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from accelerator import Accelerator
from litex.build.generic_platform import Pins, Subsignal
from litex.build.sim import SimPlatform
from litex.soc.integration.export import get_csr_header, get_mem_header
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCCore
from migen import ClockDomain, Module

import rheobase
from rheobase.sim.build import Sources, build_executable

HERE = Path(__file__).parent
COMPILER = "riscv64-unknown-elf-gcc"
#: The processor does not cache what lies here.
ACCELERATOR_BASE = 0x9000_0000
_PINS = [
    ("sys_clk", 0, Pins(1)),
    ("sys_rst", 0, Pins(1)),
    (
        "serial",
        0,
        *(
            Subsignal(f"{way}_{name}", Pins(bits))
            for way in ("source", "sink")
            for name, bits in (("valid", 1), ("ready", 1), ("data", 8))
        ),
    ),
]


class _Clock(Module):
    def __init__(self, platform):
        self.clock_domains.cd_sys = ClockDomain()
        self.comb += [
            self.cd_sys.clk.eq(platform.request("sys_clk")),
            self.cd_sys.rst.eq(platform.request("sys_rst")),
        ]


class Soc(SoCCore):
    """VexRiscv, ROM, RAM, a serial line, and the accelerator of ``verilog`` on its bus."""

    def __init__(self, verilog: Path):
        platform = SimPlatform("SIM", list(_PINS))
        self.submodules.clock = _Clock(platform)
        super().__init__(
            platform,
            clk_freq=int(50e6),
            cpu_type="vexriscv",
            cpu_variant="minimal",
            integrated_rom_size=0x8000,
            integrated_sram_size=0x1000,
            uart_name="sim",
            with_timer=False,
        )
        self.add_module("accelerator", Accelerator(platform, verilog))
        region = SoCRegion(origin=ACCELERATOR_BASE, size=0x1000, cached=False)
        self.bus.add_slave("accelerator", self.accelerator.bus, region)
        self.irq.add("accelerator")


def write_images(images: np.ndarray, header: Path) -> None:
    """``images`` (N, C, H, W) as a C header: the words that the accelerator's PIXEL takes."""
    pixels = np.moveaxis(images, 1, -1).reshape(len(images), -1, images.shape[1])
    padded = np.pad(pixels, ((0, 0), (0, 0), (0, -pixels.shape[2] % 4)))
    words = padded.reshape(len(images), -1).view("<u4")
    rows = ",\n".join("  {" + ", ".join(f"0x{word:x}u" for word in row) + "}" for row in words)
    header.write_text(
        f"#define IMAGES {len(words)}\n#define WORDS {words.shape[1]}\n"
        f"static const unsigned images[IMAGES][WORDS] = {{\n{rows}\n}};\n"
    )


def compile_program(soc: Soc, registers: Path, folder: Path) -> list[int]:
    """The program of ``firmware.c`` for ``soc``, as words of its ROM."""
    (folder / "csr.h").write_text(
        get_csr_header(soc.csr_regions, soc.constants, with_access_functions=False)
    )
    (folder / "mem.h").write_text(get_mem_header(soc.mem_regions))
    (folder / "registers.h").write_text(registers.read_text())
    rom, ram = soc.mem_regions["rom"], soc.mem_regions["sram"]
    (folder / "interrupt.h").write_text(f"#define ACCELERATOR_LINE {soc.irq.locs['accelerator']}\n")
    program, binary = folder / "program.elf", folder / "program.bin"
    stack_end = ram.origin + ram.size
    command = [COMPILER, "-march=rv32i", "-misa-spec=2.2", "-mabi=ilp32", "-Os", "-Wall", "-Werror"]
    command += ["-ffreestanding", "-nostdlib", f"-I{folder}", f"-T{HERE / 'link.ld'}"]
    command += [f"-Wl,--defsym=rom_start={rom.origin:#x},--defsym=stack_end={stack_end:#x}"]
    command += [str(HERE / "start.S"), str(HERE / "firmware.c"), "-lgcc", "-o", str(program)]
    subprocess.run(command, check=True)
    copy = [COMPILER.replace("gcc", "objcopy"), "-O", "binary", "-j", ".text", program, binary]
    subprocess.run(copy, check=True)
    content = binary.read_bytes()
    return np.frombuffer(content + bytes(-len(content) % 4), "<u4").tolist()


def simulate(soc: Soc, folder: Path) -> str:
    """What the program prints, in Verilator."""
    fragment = soc.get_fragment()
    soc.platform.finalize(fragment)
    # Contents of the memories are written to the working folder.
    with contextlib.chdir(folder):
        soc.platform.get_verilog(fragment, name="soc").write("soc.v")
    sources = [folder / "soc.v", *(Path(source[0]) for source in soc.platform.sources)]
    executable = build_executable(
        Sources(
            verilog="\n".join(path.read_text() for path in sources),
            top="soc",
            control="`verilator_config\nlint_off\n",
            main=(HERE / "simulation.cpp").read_text(),
        ),
        "fast-build",
    )
    ran = subprocess.run([executable], cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return ran.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verilog", type=Path, help="of `rheobase generate --interface wishbone`")
    parser.add_argument("--network", type=Path, required=True, help="the network's file")
    parser.add_argument("--images", required=True, help="data set, or a file of images (.npy)")
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("build/litex"), help="folder")
    arguments = parser.parse_args()
    if shutil.which(COMPILER) is None:
        sys.exit(f"{COMPILER} is not on PATH: `apt-get install gcc-riscv64-unknown-elf`")
    logging.basicConfig(level=logging.WARNING)  # LiteX describes every module
    folder = arguments.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    network = rheobase.load_network(arguments.network)
    images = rheobase.load_images(arguments.images).images[: arguments.count]
    soc = Soc(arguments.verilog.resolve())
    soc.finalize()
    write_images(images, folder / "images.h")
    soc.init_rom("rom", compile_program(soc, arguments.verilog.with_suffix(".h"), folder))
    printed = simulate(soc, folder)
    print(printed, end="")
    wanted = rheobase.run_golden(network, images).answers
    found = [int(line.split()[-1]) for line in printed.splitlines() if line.startswith("image ")]
    if found != wanted.tolist():
        sys.exit(f"the golden model says {wanted.tolist()}")
    print(f"{len(found)} answers over the bus are those of the golden model")


if __name__ == "__main__":
    main()
