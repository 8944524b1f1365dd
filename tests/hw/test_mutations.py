"""What ``make mutate`` draws from: every operator once, where it stands, and nothing else."""

import ast
from pathlib import Path

from tests.support.mutation.mutate import NETWORKS, ROOT, all_mutations, files_for
from tests.support.mutation.operators import mutations

SOURCE = '''
def f(a: int | None = 1 + 2, *, b: str = "é - ü"):
    """a + b"""
    x: tuple[int, ...] = a[0] - b  # not + this
    if a is not None and (b  # nor * that
            in x) or -1 <= a:
        return f"{a + b}", a << 2 // b
'''


def test_every_operator_once():
    found = [(m.line, m.old, m.new) for m in mutations(SOURCE)]
    assert found == [
        (2, "+", "-"),
        (4, "0", "1"),
        (4, "-", "+"),
        (5, "is not", "is"),
        (5, "and", "or"),
        (6, "in", "not in"),
        (6, "or", "and"),
        (6, "<=", "<"),
        (6, "<=", ">="),
        (7, "<<", ">>"),
        (7, "//", "*"),
    ]
    for mutation in mutations(SOURCE):
        changed = mutation.applied(SOURCE)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(SOURCE))
        assert len(changed) - len(SOURCE) == len(mutation.new) - len(mutation.old)


def test_changes_of_the_hardware():
    everything = all_mutations("hw")
    assert len(everything) > 1000
    assert all((ROOT / "hw" / name).is_file() for name, _ in everything)
    assert [path.name for path in files_for("hw", "rotate")] == ["test_rotate.py", NETWORKS.name]
    for name in {name for name, _ in everything}:
        assert len(files_for("hw", Path(name).stem)) >= 2
