"""The port to the memory that holds an engine's maps, weights and program."""

from __future__ import annotations

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .design import WORD_BITS
from .program import ADDRESS_BITS

#: Words of the longest burst.
BURST_WORDS = 64


class CommandLayout(data.StructLayout):
    """A burst of ``count`` + 1 words from ``address`` on, written or read."""

    def __init__(self):
        super().__init__(
            {"address": ADDRESS_BITS, "count": (BURST_WORDS - 1).bit_length(), "write": 1}
        )


class MemoryPort(wiring.Signature):
    """Commands, and the words that they write and read; all in order.

    A read sees what was written by commands before it. The words of write commands come in the
    order of the commands; they may be offered earlier, and whoever is behind the port takes them
    when it likes.

    Members:
        commands: out, stream of ``CommandLayout``.
        written: out, stream; the words of write commands.
        read: in, stream; the words of read commands.
    """

    def __init__(self):
        super().__init__(
            {
                "commands": Out(stream.Signature(CommandLayout())),
                "written": Out(stream.Signature(WORD_BITS)),
                "read": In(stream.Signature(WORD_BITS)),
            }
        )
