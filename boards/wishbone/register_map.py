"""Registers of the accelerator on Wishbone: the one description of them.

The bridge decodes them, the Verilog's comment and the C header list them, and the documentation's
table is held against them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ...golden.basics.arithmetic import ceil_div
from ...golden.files.file import network_hash
from ...golden.network.network import PIXEL_BITS, Coding, Network

#: Bytes and bits of a register.
WORD_BYTES = 4
WORD_BITS = 8 * WORD_BYTES
#: What register ID reads as: "RHB1".
IDENTITY = 0x52484231
#: Bytes from the registers of one output to those of the next; those of the first begin there.
OUTPUT_BYTES = 0x10
_FIRST_OUTPUT = 0x20


class Access(StrEnum):
    """What a bus may do with a register."""

    READ = "r"
    WRITE = "w"
    READ_WRITE = "rw"


@dataclass(frozen=True)
class Field:
    """Bits of a register that have a name of their own."""

    name: str
    bit: int
    meaning: str


@dataclass(frozen=True)
class Register:
    """A word.

    Attributes:
        offset: bytes from the first register.
        meaning: one line.
    """

    name: str
    offset: int
    access: Access
    meaning: str
    fields: tuple[Field, ...] = ()

    @property
    def word(self) -> int:
        """Its number."""
        return self.offset // WORD_BYTES


def register_map(network: Network) -> tuple[Register, ...]:
    """Registers of ``network``'s accelerator, by offset."""
    most_delay = "0" if network.coding == Coding.RADIX else f"0 .. {network.steps - 1}, below STEPS"
    outputs = range(len(network.outputs))
    fixed = (
        Register("ID", 0x00, Access.READ, f"0x{IDENTITY:08x}"),
        Register("NETWORK", 0x04, Access.READ, "first 32 bits of the network's hash"),
        Register(
            "CONTROL",
            0x08,
            Access.READ_WRITE,
            "reads as what was written, but for RESET",
            (
                Field("RESET", 0, "1 drops all images, also those under way"),
                Field("INTERRUPT", 1, "1 enables the interrupt"),
            ),
        ),
        Register(
            "STATUS",
            0x0C,
            Access.READ,
            "what can be done now",
            (
                Field("ROOM", 0, "a pixel can be written"),
                Field("DONE", 1, "results wait: of a whole image, or as many as there is room for"),
                *(
                    Field(f"RESULT{number}", 2 + number, f"a result of output {number} waits")
                    for number in outputs
                ),
            ),
        ),
        Register("STEPS", 0x10, Access.READ_WRITE, f"T, 1 .. {network.steps}"),
        Register("DELAY", 0x14, Access.READ_WRITE, f"t0, {most_delay}"),
        Register("PIXEL", 0x18, Access.WRITE, _pixel_words(network)),
    )
    return (*fixed, *(register for number in outputs for register in _of_output(network, number)))


def identity_of(network: Network) -> int:
    """What register NETWORK reads as."""
    return int(network_hash(network)[: WORD_BITS // 4], 16)


def pixel_words(network: Network) -> int:
    """Words that a pixel is written as."""
    return ceil_div(network.input_shape[0] * PIXEL_BITS, WORD_BITS)


def _pixel_words(network: Network) -> str:
    channels = network.input_shape[0]
    words = pixel_words(network)
    last = channels - 1 if words == 1 else WORD_BYTES - 1
    which = "the channel" if channels == 1 else f"channels 0 .. {last}"
    order = "in the low byte" if channels == 1 else "the first in the low byte"
    more = "" if words == 1 else f", then the next of {channels}: {words} words a pixel"
    return f"a pixel, raster order: {which}, {order}{more}"


def _of_output(network: Network, number: int) -> Iterator[Register]:
    classes, rows, columns = network.output_shapes[number]
    places = "" if (rows, columns) == (1, 1) else f" of each of {rows} x {columns} pixels"
    base = _FIRST_OUTPUT + number * OUTPUT_BYTES
    yield Register(
        f"SCORE{number}",
        base,
        Access.READ,
        f"next result, which it takes: score of class 0 .. {classes - 1}{places}",
    )
    yield Register(
        f"SCORE{number}_HIGH", base + 4, Access.READ, "upper 32 bits of the score taken last"
    )
    yield Register(
        f"ANSWER{number}",
        base + 8,
        Access.READ,
        "class of the largest score so far, with the score taken last",
    )


def register_table(registers: tuple[Register, ...]) -> list[str]:
    """Lines of a table in plain text: offset, access, name, meaning; bits below their register."""
    width = max(len(register.name) for register in registers)
    lines = []
    for register in registers:
        lines.append(
            f"0x{register.offset:02x}  {register.access:2}  {register.name:{width}}  "
            f"{register.meaning}"
        )
        lines += [f"{'':{width + 10}}[{f.bit}] {f.name}: {f.meaning}" for f in register.fields]
    return lines


def c_header(network: Network, prefix: str) -> str:
    """The registers for a program in C: offsets, bits, and sizes of images and results."""
    guard = f"{prefix.upper()}_WB_H"
    channels, rows, columns = network.input_shape
    lines = [
        f"// Registers of {prefix}_wb, network {network_hash(network)}.",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
    ]
    name = prefix.upper()
    sizes = {
        "IDENTITY": f"0x{IDENTITY:08x}u",
        "PIXELS": rows * columns,
        "PIXEL_WORDS": pixel_words(network),
        "CHANNELS": channels,
        "STEPS_MAX": network.steps,
    } | {
        f"RESULTS{number}": classes * height * width
        for number, (classes, height, width) in enumerate(network.output_shapes)
    }
    for register in register_map(network):
        lines.append(f"// {register.access}: {register.meaning}")
        lines.append(f"#define {name}_{register.name} 0x{register.offset:02x}u")
        lines += [
            f"#define {name}_{register.name}_{field.name} (1u << {field.bit})  // {field.meaning}"
            for field in register.fields
        ]
    lines += [
        "",
        "// What an image and its results have.",
        f"#define {name}_WORD_BYTES {WORD_BYTES}",
    ]
    lines += [f"#define {name}_{key} {value}" for key, value in sizes.items()]
    lines += ["", "#endif", ""]
    return "\n".join(lines)
