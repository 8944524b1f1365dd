"""Single-operator changes of Python source: all that there are, and the source with one."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from itertools import pairwise

#: What takes an operator's place; several where one alone is often the same.
SWAPS = {
    "+": ("-",),
    "-": ("+",),
    "*": ("+",),
    "//": ("*",),
    "%": ("+",),
    "<<": (">>",),
    ">>": ("<<",),
    "&": ("|",),
    "|": ("&",),
    "^": ("|",),
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
    "is not": ("is",),
    "is": ("is not",),
    "in": ("not in",),
    "not in": ("in",),
    "and": ("or",),
    "or": ("and",),
}
_LONGEST_FIRST = sorted(SWAPS, key=len, reverse=True)
_OPERATOR = re.compile(
    "|".join(rf"\b{op}\b" if op[0].isalpha() else re.escape(op) for op in _LONGEST_FIRST)
)


@dataclass(frozen=True)
class Mutation:
    """One operator, or the number of a subscript, and what takes its place.

    Attributes:
        line: number of the source line, from 1.
        start, stop: characters of the whole source that are replaced.
    """

    line: int
    start: int
    stop: int
    old: str
    new: str

    def applied(self, source: str) -> str:
        return source[: self.start] + self.new + source[self.stop :]


def mutations(source: str) -> list[Mutation]:
    """Every change of one operator of ``source``, in the order of the text.

    Annotations are left alone, as nothing runs them; so are the parts of a message.
    """
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def place(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    found: list[Mutation] = []

    def between(left: ast.expr, right: ast.expr) -> None:
        low = place(left.end_lineno, left.end_col_offset)
        high = place(right.lineno, right.col_offset)
        match = _OPERATOR.search(re.sub(r"#[^\n]*", lambda c: " " * len(c[0]), source[low:high]))
        if match is not None:
            start, stop = low + match.start(), low + match.end()
            line = source.count("\n", 0, start) + 1
            found.extend(Mutation(line, start, stop, match[0], new) for new in SWAPS[match[0]])

    class Visitor(ast.NodeVisitor):
        def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
            if node.value is not None:
                self.visit(node.value)

        def visit_arguments(self, node: ast.arguments) -> None:
            for default in [*node.defaults, *filter(None, node.kw_defaults)]:
                self.visit(default)

        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            self.visit(node.args)
            for child in [*node.decorator_list, *node.body]:
                self.visit(child)

        def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
            pass

        def visit_BinOp(self, node: ast.BinOp) -> None:
            between(node.left, node.right)
            self.generic_visit(node)

        def visit_BoolOp(self, node: ast.BoolOp) -> None:
            for left, right in pairwise(node.values):
                between(left, right)
            self.generic_visit(node)

        def visit_Compare(self, node: ast.Compare) -> None:
            operands = [node.left, *node.comparators]
            for left, right in pairwise(operands):
                between(left, right)
            self.generic_visit(node)

        def visit_Subscript(self, node: ast.Subscript) -> None:
            index = node.slice
            if isinstance(index, ast.Constant) and isinstance(index.value, int):
                start = place(index.lineno, index.col_offset)
                stop = place(index.end_lineno, index.end_col_offset)
                found.append(
                    Mutation(index.lineno, start, stop, source[start:stop], str(index.value + 1))
                )
            self.generic_visit(node)

    Visitor().visit(ast.parse(source))
    return sorted(found, key=lambda mutation: (mutation.start, mutation.new))
