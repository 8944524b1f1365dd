"""Formats of waveforms, and what a simulation that writes them is built with."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path

from ...golden.basics.programs import start_program
from ...golden.errors import RheobaseError
from ..tools.toolchain import find_toolchain

#: Bits of the widest signal that is in the file; Verilator leaves out what has more than 256.
_WIDEST = 1 << 16
#: What compresses an FST file, of the system's own.
_COMPRESSION = ("lz4", "zlib")
_INSTALL = "`apt-get install liblz4-dev zlib1g-dev`"


class WaveFormat(StrEnum):
    """A file of signals over time, by the end of its name."""

    FST = "fst"  # compressed: GTKWave, Surfer
    VCD = "vcd"  # text, which every viewer reads

    @property
    def verilator_options(self) -> tuple[str, ...]:
        """Of Verilator, which then writes code that looks at every signal."""
        return f"--trace-{self}", "--trace-max-width", str(_WIDEST)

    @property
    def runtime(self) -> str:
        """Source of Verilator's runtime that writes the file."""
        return f"verilated_{self}_c.cpp"

    @property
    def libraries(self) -> tuple[str, ...]:
        """Linker arguments."""
        return ("-llz4", "-lz") if self is WaveFormat.FST else ()


def wave_format(path: Path) -> WaveFormat:
    """Format of the file ``path``, which can be built with what is installed.

    Raises:
        RheobaseError: the name ends in no format, or what compresses an FST file is absent.
    """
    try:
        found = WaveFormat(path.suffix.removeprefix("."))
    except ValueError:
        raise RheobaseError(
            f"{path}: ends in no format of waveforms, the name must end in .fst or .vcd"
        ) from None
    if found is WaveFormat.FST and not has_compression():
        raise RheobaseError(
            f"{path}: FST needs the headers of {' and '.join(_COMPRESSION)}, install them with "
            f"{_INSTALL} or write {path.with_suffix('.vcd').name}"
        )
    return found


def has_compression() -> bool:
    """Whether the compiler finds what FST files are compressed with."""
    tools = find_toolchain()
    includes = "".join(f"#include <{library}.h>\n" for library in _COMPRESSION)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "compression.cpp"
        source.write_text(includes)
        command = [str(tools.compiler), "-fsyntax-only", str(source)]
        return start_program(command, environment=tools.environment).status == 0
