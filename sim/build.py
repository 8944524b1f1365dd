"""Verilog and a C++ main program to an executable, kept by the hash of what went in."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..golden.basics.programs import run_program
from ..hw.verilog.header import without_header
from .runtime import compile_flags, precompiled_header, runtime_objects
from .tools.cache import cached, content_key
from .tools.toolchain import Toolchain, find_toolchain
from .waves.wave_format import WaveFormat

#: Compiler optimisation for a short test, where building counts, and for long runs.
OPTIMISE = {"fast-build": "-O0", "fast-run": "-O3"}
_PREFIX = "Vtop"
#: Characters of Verilog from which on a design is always compiled in small pieces.
_LARGE = 4_000_000


@dataclass(frozen=True)
class Sources:
    """What an executable is built from.

    Attributes:
        verilog: text of the design.
        top: its top module.
        control: Verilator configuration (which signals are public).
        main: text of the C++ program that drives it.
        headers: texts by file name, which ``main`` includes.
        vpi: link the interface that cocotb uses.
        waves: format of the waveforms that the executable can write, if any.
        libraries: further linker arguments.
    """

    verilog: str
    top: str
    control: str
    main: str
    headers: Mapping[str, str] = field(default_factory=dict)
    vpi: bool = False
    waves: WaveFormat | None = None
    libraries: tuple[str, ...] = ()


def build_executable(sources: Sources, optimise: str = "fast-run") -> Path:
    """Executable of ``sources``, from the cache where it was built before.

    Raises:
        RheobaseError: a tool is absent, or the build failed.
    """
    tools = find_toolchain()
    level = OPTIMISE[optimise]
    key = content_key(
        [
            without_header(sources.verilog),
            sources.top,
            sources.control,
            sources.main,
            "\0".join(part for header in sorted(sources.headers.items()) for part in header),
            str(sources.vpi),
            *((sources.waves,) if sources.waves else ()),
            *sources.libraries,
            *tools.identity,
            level,
        ]
    )
    return (
        cached("builds", key, lambda folder: _build(folder, sources, tools, level)) / "simulation"
    )


def _build(folder: Path, sources: Sources, tools: Toolchain, level: str) -> None:
    (folder / "design.v").write_text(sources.verilog)
    (folder / "control.vlt").write_text(sources.control)
    (folder / "main.cpp").write_text(sources.main)
    for name, text in sources.headers.items():
        (folder / name).write_text(text)
    waves = sources.waves
    run_program(
        [
            str(tools.verilator), "--cc", "--prefix", _PREFIX, "--top-module", sources.top,
            "-Mdir", "generated", "-O3", "--x-assign", "fast", "--x-initial", "fast",
            "--noassert", "--no-timing", "-Wno-fatal", *(["--vpi"] if sources.vpi else []),
            *(waves.verilator_options if waves else ()),
            *_split(sources.verilog), "control.vlt", "design.v",
        ],
        f"Verilator on {sources.top}",
        folder=folder,
        environment=tools.environment,
    )  # fmt: skip
    generated = folder / "generated"
    flags = [*compile_flags(tools, waves), f"-I{generated}", f"-I{folder}"]
    # Before the threads, of which each would make them.
    headers = {each: precompiled_header(tools, each, waves) for each in {"-O0", level}}

    def compile_one(source: Path) -> Path:
        target = folder / f"{source.stem}.o"
        optimisation = "-O0" if _runs_once(source) else level
        run_program(
            [
                str(tools.compiler), *flags, optimisation, "-include", str(headers[optimisation]),
                "-c", str(source), "-o", str(target),
            ],
            f"compiling the simulation of {sources.top}",
            folder=folder,
            environment=tools.environment,
        )  # fmt: skip
        return target

    units = [folder / "main.cpp", *sorted(generated.glob("*.cpp"))]
    if level == OPTIMISE["fast-build"] and len(sources.verilog) < _LARGE:
        units = [_joined(folder, units)]
    with ThreadPoolExecutor() as pool:
        objects = list(pool.map(compile_one, units))
        runtime = runtime_objects(tools, vpi=sources.vpi, waves=waves)
    run_program(
        [
            str(tools.compiler), "-o", "simulation",
            *map(str, [*objects, *runtime]), "-lpthread",
            *(waves.libraries if waves else ()), *sources.libraries,
        ],
        f"linking the simulation of {sources.top}",
        folder=folder,
        environment=tools.environment,
    )  # fmt: skip
    for leftover in {*objects, *units, *generated.iterdir()} - {folder / "main.cpp"}:
        leftover.unlink()
    generated.rmdir()


def _split(verilog: str) -> list[str]:
    """Pieces that Verilator writes: one function of a large design takes the compiler hours."""
    if len(verilog) < _LARGE:
        return ["--output-split", "20000"]
    return ["--output-split", "8000", "--output-split-cfuncs", "2000"]


def _joined(folder: Path, units: list[Path]) -> Path:
    """One file that includes ``units``: to start the compiler takes longer than a small design."""
    joined = folder / "joined.cpp"
    joined.write_text("".join(f'#include "{unit.relative_to(folder)}"\n' for unit in units))
    return joined


def _runs_once(source: Path) -> bool:
    """Code that runs at the start alone, which is not worth the compiler's time."""
    return "__Slow" in source.name or "__Syms" in source.name
