"""Takes wires that nothing reads out of generated Verilog."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

# Not the ports of an instance, which have a point in front.
_NAME = re.compile(r"(?<![.\w$\\])(?:\\\S+|[A-Za-z_][\w$]*)")
_MODULE = re.compile(r"^module .*?^endmodule$", re.MULTILINE | re.DOTALL)
_DECLARED = re.compile(r" *wire (?:signed )?(?:\[[^]]*\] )?(\\\S+|\w[\w$]*) ?;")
_ASSIGNED = re.compile(r" *assign (\\\S+|\w[\w$]*) *(?:\[[^]]*\] )?= (.*);")
_ATTRIBUTE = re.compile(r" *\(\*.*\*\)")


def without_unused_wires(verilog: str, kept: Collection[str]) -> str:
    """``verilog``, as yosys writes it, without the wires that nothing reads, but for ``kept``.

    They are second names of what has a name, and fields of payloads: no logic goes with them that
    a synthesis would keep.
    """
    return _MODULE.sub(lambda module: _cleaned(module[0], kept), verilog)


def _cleaned(module: str, kept: Collection[str]) -> str:
    lines = module.split("\n")
    declared: dict[str, int] = {}
    assigned: dict[str, list[int]] = {}
    reads: Counter[str] = Counter()
    for number, line in enumerate(lines):
        if match := _DECLARED.fullmatch(line):
            declared[match[1]] = number
        elif match := _ASSIGNED.fullmatch(line):
            assigned.setdefault(match[1], []).append(number)
            reads.update(_NAME.findall(match[2]))
        else:
            reads.update(_NAME.findall(line))
    removed: set[int] = set()
    unused = [name for name in declared if not reads[name] and name not in kept]
    while unused:
        name = unused.pop()
        number = declared[name]
        removed.add(number)
        while _ATTRIBUTE.fullmatch(lines[number - 1]):
            number -= 1
            removed.add(number)
        for number in assigned.get(name, ()):
            removed.add(number)
            for read in _NAME.findall(_ASSIGNED.fullmatch(lines[number])[2]):
                reads[read] -= 1
                if not reads[read] and read in declared and read not in kept:
                    unused.append(read)
    return "\n".join(line for number, line in enumerate(lines) if number not in removed)
