"""Verilator's runtime library, compiled once and linked into every simulation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..golden.basics.programs import run_program
from .tools.cache import cached, content_key
from .tools.toolchain import Toolchain
from .waves.wave_format import WaveFormat

#: Sources of the runtime: every simulation needs the first ones, cocotb also the second.
_SOURCES = ("verilated.cpp", "verilated_threads.cpp")
_HEADER_NAME = "runtime.h"
_HEADERS = '#include "verilated.h"\n#include "verilated_vpi.h"\n'
_VPI_SOURCES = ("verilated_vpi.cpp", "verilated_dpi.cpp")


def runtime_objects(tools: Toolchain, *, vpi: bool, waves: WaveFormat | None = None) -> list[Path]:
    """Object files of the runtime.

    Args:
        vpi: with the interface that cocotb uses.
        waves: format of the waveforms that it writes, if any.
    """
    sources = _SOURCES + (_VPI_SOURCES if vpi else ()) + ((waves.runtime,) if waves else ())
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda source: _runtime_object(tools, source), sources))


def _runtime_object(tools: Toolchain, name: str) -> Path:
    """Object file of one source of the runtime, which is the same for every simulation."""
    flags = compile_flags(tools)
    source = tools.root / "include" / name
    target = f"{source.stem}.o"

    def build(folder: Path) -> None:
        arguments = ["-O2", "-c", str(source), "-o", str(folder / target)]
        _compile(tools, folder, flags, arguments, name)

    return cached("runtime", content_key([*tools.identity, *flags, name]), build) / target


def precompiled_header(
    tools: Toolchain, optimisation: str, waves: WaveFormat | None = None
) -> Path:
    """Verilator's headers, read by the compiler once: they take longer than a small design.

    Args:
        optimisation: the compiler's flag; what is included must be compiled with the same one.
        waves: as for ``compile_flags``.

    Returns:
        The header to include first; the compiler finds what it made of it beside it.
    """
    flags = compile_flags(tools, waves)

    def build(folder: Path) -> None:
        header = folder / _HEADER_NAME
        header.write_text(_HEADERS)
        arguments = [optimisation, "-x", "c++-header", str(header), "-o", f"{header}.gch"]
        _compile(tools, folder, flags, arguments, "headers")

    key = content_key([*tools.identity, *flags, optimisation, _HEADERS])
    return cached("headers", key, build) / _HEADER_NAME


def _compile(
    tools: Toolchain, folder: Path, flags: list[str], arguments: list[str], what: str
) -> None:
    run_program(
        [str(tools.compiler), *flags, *arguments],
        f"compiling Verilator's {what}",
        folder=folder,
        environment=tools.environment,
    )


def compile_flags(tools: Toolchain, waves: WaveFormat | None = None) -> list[str]:
    """Flags that the runtime and the generated C++ are both compiled with.

    Args:
        waves: that the generated C++ writes; the runtime is the same with and without.
    """
    include = tools.root / "include"
    defines = (
        "VERILATOR=1",
        "VM_COVERAGE=0",
        "VM_SC=0",
        "VM_TIMING=0",
        f"VM_TRACE={int(waves is not None)}",
        f"VM_TRACE_FST={int(waves is WaveFormat.FST)}",
        f"VM_TRACE_VCD={int(waves is WaveFormat.VCD)}",
        "VM_TRACE_SAIF=0",
    )
    return [
        "-std=gnu++17",
        "-fPIC",
        "-w",
        f"-I{include}",
        f"-I{include / 'vltstd'}",
        *(f"-D{define}" for define in defines),
    ]
