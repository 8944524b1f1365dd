"""Verilator's runtime library, compiled once and linked into every simulation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..golden.programs import run_program
from .tools.cache import cached, content_key
from .tools.toolchain import Toolchain

#: Sources of the runtime: every simulation needs the first ones, cocotb also the second.
_SOURCES = ("verilated.cpp", "verilated_threads.cpp")
_HEADER_NAME = "runtime.h"
_HEADERS = '#include "verilated.h"\n#include "verilated_vpi.h"\n'
_VPI_SOURCES = ("verilated_vpi.cpp", "verilated_dpi.cpp")


def runtime_objects(tools: Toolchain, *, vpi: bool) -> list[Path]:
    """Object files of the runtime, with the interface that cocotb uses where ``vpi``."""
    sources = _SOURCES + (_VPI_SOURCES if vpi else ())
    flags = compile_flags(tools)
    key = content_key([tools.version, tools.compiler_version, str(tools.root), *flags, *sources])

    def build(folder: Path) -> None:
        def compile_one(name: str) -> None:
            source = tools.root / "include" / name
            target = folder / f"{source.stem}.o"
            run_program(
                [str(tools.compiler), *flags, "-O2", "-c", str(source), "-o", str(target)],
                f"compiling Verilator's {name}",
                folder=folder,
                environment=tools.environment,
            )

        with ThreadPoolExecutor() as pool:
            list(pool.map(compile_one, sources))

    folder = cached("runtime", key, build)
    return [folder / f"{Path(name).stem}.o" for name in sources]


def precompiled_header(tools: Toolchain, optimisation: str) -> Path:
    """Verilator's headers, read by the compiler once: they take longer than a small design.

    Args:
        optimisation: the compiler's flag; what is included must be compiled with the same one.

    Returns:
        The header to include first; the compiler finds what it made of it beside it.
    """
    flags = compile_flags(tools)
    key = content_key(
        [tools.version, tools.compiler_version, str(tools.root), *flags, optimisation, _HEADERS]
    )

    def build(folder: Path) -> None:
        header = folder / _HEADER_NAME
        header.write_text(_HEADERS)
        run_program(
            [
                str(tools.compiler), *flags, optimisation, "-x", "c++-header", str(header),
                "-o", f"{header}.gch",
            ],
            "compiling Verilator's headers",
            folder=folder,
            environment=tools.environment,
        )  # fmt: skip

    return cached("headers", key, build) / _HEADER_NAME


def compile_flags(tools: Toolchain) -> list[str]:
    """Flags that the runtime and the generated C++ are both compiled with."""
    include = tools.root / "include"
    defines = (
        "VERILATOR=1", "VM_COVERAGE=0", "VM_SC=0", "VM_TIMING=0", "VM_TRACE=0",
        "VM_TRACE_FST=0", "VM_TRACE_VCD=0", "VM_TRACE_SAIF=0",
    )  # fmt: skip
    return [
        "-std=gnu++17",
        "-fPIC",
        "-w",
        f"-I{include}",
        f"-I{include / 'vltstd'}",
        *(f"-D{define}" for define in defines),
    ]
