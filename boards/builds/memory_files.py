"""Moves the contents of memories from Verilog text into files that ``$readmemh`` reads."""

from __future__ import annotations

import re

from ...golden.basics.arithmetic import ceil_div
from ...golden.errors import RheobaseError

#: An initial block of the generated Verilog: one assignment per word of one memory.
_BLOCK = re.compile(r"^  initial begin\n((?:    .+\[\d+\] = [^;\n]+;\n)+)  end\n", re.MULTILINE)
_WORD = re.compile(r"    (?P<name>.+?) ?\[(?P<address>\d+)\] = (?P<width>\d+)'(?P<value>\w+);\n")
_BASES = {"h": 16, "d": 10, "b": 2}


def memories_to_files(verilog: str) -> tuple[str, dict[str, str]]:
    """``verilog`` that reads each memory's content from a file, and those files by name.

    A memory that starts as zeros needs no file; a loop clears it.

    Raises:
        RheobaseError: a memory is set in another way than our generator writes.
    """
    files: dict[str, str] = {}
    cleared = 0

    def replaced(block: re.Match) -> str:
        nonlocal cleared
        words = list(_WORD.finditer(block[1]))
        name, width = words[0]["name"].strip(), int(words[0]["width"])
        addresses = [int(word["address"]) for word in words]
        names = {word["name"].strip() for word in words}
        if len(words) != block[1].count("\n") or names != {name}:
            raise RheobaseError("Verilog: an initial block sets more than one memory")
        if addresses != list(range(len(words))):
            raise RheobaseError(f"Verilog: memory {name} is not set word after word")
        values = [_value(word["value"]) for word in words]
        # An escaped identifier ends with a space.
        name = f"{name} " if name.startswith("\\") else name
        if not any(values):
            cleared += 1
            return (
                f"  initial begin : clear_memory{cleared}\n"
                "    integer address;\n"
                f"    for (address = 0; address < {len(words)}; address = address + 1)\n"
                f"      {name}[address] = {width}'h0;\n"
                "  end\n"
            )
        file = memory_file_name(len(files))
        files[file] = memory_file(values, width)
        return f'  initial $readmemh("{file}", {name});\n'

    return _BLOCK.sub(replaced, verilog), files


def memory_file_name(index: int) -> str:
    """Name of a design's memory file number ``index``."""
    return f"memory{index:04d}.hex"


def memory_file(values: list[int], width: int) -> str:
    """Content for ``$readmemh``: a word of ``width`` bits a line."""
    return "".join(f"{value:0{ceil_div(width, 4)}x}\n" for value in values)


def _value(text: str) -> int:
    """A number as Verilog writes it behind the width: base and digits."""
    try:
        return int(text[1:], _BASES[text[0]])
    except (KeyError, ValueError):
        raise RheobaseError(f"Verilog: a memory word {text!r} is no plain number") from None
