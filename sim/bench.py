"""cocotb benches for one Amaranth component at a time, built once per content."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from ..golden.basics.programs import not_found, start_program
from ..golden.errors import MachineError
from ..hw.verilog.generation import to_verilog
from .bench_parameters import PARAMETERS
from .build import Sources, build_executable
from .tools.toolchain import find_toolchain
from .waves.bench_waves import bench_waves
from .waves.wave_format import WaveFormat, wave_format

#: Module name of every component under test.
TOP = "dut"


class BenchError(AssertionError):
    """A cocotb test failed, or none ran; the message holds the simulation's output."""


def run_bench(
    component: wiring.Component,
    module: str,
    parameters: dict[str, Any] | None = None,
    *,
    seed: int = 1,
    timeout: float = 120,
) -> None:
    """Simulate ``component`` under the cocotb tests of ``module``.

    Its waveforms are written where the environment asks for them, see ``bench_waves``.

    Args:
        module: its whole name, as Python imports it.
        parameters: for the bench, which gets them from ``bench_parameters``.
        seed: of cocotb's random generator.
        timeout: seconds until the simulation is stopped.

    Raises:
        BenchError: a test failed, none ran, or the time ran out.
        MachineError: cocotb is absent, or the build failed.
    """
    given = json.dumps(parameters or {})
    waves = bench_waves(type(component).__name__, module, given, str(seed))
    executable = build_bench(component, waves and wave_format(waves))
    command = [str(executable), *(("--trace", "--trace-file", str(waves)) if waves else ())]
    with tempfile.TemporaryDirectory(prefix="rheobase-bench-") as scratch:
        results = Path(scratch) / "results.xml"
        environment = _environment(module, results, seed)
        environment[PARAMETERS] = given
        try:
            ran = start_program(
                command, folder=Path(scratch), environment=environment, timeout=timeout
            )
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"{module}: no end after {timeout} s") from error
        _check_results(module, results, ran.output)


def build_bench(component: wiring.Component, waves: WaveFormat | None = None) -> Path:
    """Executable that runs ``component`` under cocotb, and writes waveforms where asked to."""
    tools = _cocotb_tools()
    verilog = to_verilog(component, TOP)
    ports = _ports(verilog)
    control = [f'public_flat_rw -module "{TOP}" -var "{port}"' for port in ports]
    libraries = tools.libs_dir
    return build_executable(
        Sources(
            verilog=verilog,
            top=TOP,
            control="\n".join(["`verilator_config", *control, ""]),
            main=(Path(tools.share_dir) / "lib" / "verilator" / "verilator.cpp").read_text(),
            vpi=True,
            waves=waves,
            libraries=(f"-Wl,-rpath,{libraries}", f"-L{libraries}", "-lcocotbvpi_verilator"),
        ),
        optimise="fast-build",
    )


def _ports(verilog: str) -> list[str]:
    """Port names in the header of the top module."""
    start = verilog.index(f"module {TOP}(")
    header = verilog[verilog.index("(", start) + 1 : verilog.index(");", start)]
    return [port.strip() for port in header.split(",")]


def _cocotb_tools():
    try:
        from cocotb_tools import config
    except ImportError as error:
        raise not_found("cocotb", "`pip install cocotb` (>= 2.0)") from error
    return config


def _environment(module: str, results: Path, seed: int) -> dict[str, str]:
    import find_libpython

    config = _cocotb_tools()
    libpython = find_libpython.find_libpython()
    if libpython is None:
        raise MachineError("libpython: no shared library of this Python found, cocotb needs one")
    return {
        **find_toolchain().environment,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYGPI_PYTHON_BIN": sys.executable,
        "GPI_USERS": ";".join([libpython, config.pygpi_entry_point()]),
        "COCOTB_TOPLEVEL": TOP,
        "COCOTB_TEST_MODULES": module,
        "COCOTB_RESULTS_FILE": str(results),
        "COCOTB_RANDOM_SEED": str(seed),
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_LOG_LEVEL": "WARNING",
        # cocotb has pytest rewrite assertions, for which it would load every plugin there is.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TOPLEVEL_LANG": "verilog",
    }


def _check_results(module: str, results: Path, output: str) -> None:
    """Raise unless the results name at least one test and no failure."""
    if not results.exists():
        raise BenchError(f"{module}: the simulation left no results\n{output[-4000:]}")
    cases = list(ElementTree.parse(results).iter("testcase"))
    failed = [
        case.get("name")
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    if failed or not cases:
        what = f"failed: {', '.join(map(str, failed))}" if failed else "no test ran"
        raise BenchError(f"{module}: {what}\n{output[-4000:]}")
