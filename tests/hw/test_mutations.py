"""What ``make mutate`` draws from, and which tests it runs: those that run the changed line."""

import ast

import pytest
from coverage import CoverageData

from tests.support.mutation.coverage_record import CoverageRecord, statement_lines
from tests.support.mutation.mutate import ROOT, all_mutations
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
    assert not [name for name, _ in everything if name.startswith("planning/")]


STATEMENTS = """\
LIMIT = 1 + 2
def f(a):
    if (a and
            LIMIT):
        return (
            a
            + 1
        )
    return 0
"""


def test_statement_of_a_line():
    found = [statement_lines(STATEMENTS, line) for line in range(1, 10)]
    assert found == [(1, 1), (2, 2), (3, 4), (3, 4), *[(5, 8)] * 4, (9, 9)]
    with pytest.raises(ValueError, match="line 11: must be a line of a statement"):
        statement_lines(STATEMENTS, 11)


def test_tests_that_run_a_line(tmp_path):
    """The shortest first; a line of the import belongs to all; others of their files come later."""
    module = tmp_path / "module.py"
    module.write_text(STATEMENTS)
    data = CoverageData(str(tmp_path / "coverage"))
    for context, lines in {
        "": [1, 2],
        "tests/test_a.py::test_long|run": [3, 5],
        "tests/test_a.py::test_short[x y]|run": [3, 6],
        "tests/test_b.py::test_other|run": [3, 9],
    }.items():
        data.set_context(context)
        data.add_lines({str(module): lines})
    data.write()
    (tmp_path / "log").write_text(
        "1.50s call     tests/test_a.py::test_long\n"
        "0.25s setup    tests/test_a.py::test_short[x y]\n"
        "0.50s call     tests/test_a.py::test_short[x y]\n"
        "1.00s call     tests/test_b.py::test_other\n"
        "9.00s call     tests/test_a.py::test_elsewhere\n"
    )
    record = CoverageRecord(tmp_path / "coverage", tmp_path / "log")
    a = ["tests/test_a.py::test_short[x y]", "tests/test_a.py::test_long"]
    b = "tests/test_b.py::test_other"
    assert record.tests_of(module, 7) == a
    assert record.tests_of(module, 9) == [b]
    assert record.tests_of(module, 1) == [a[0], b, a[1]]
    assert record.beside(a) == ["tests/test_a.py::test_elsewhere"]
    other = module.with_name("other.py")
    other.write_text(STATEMENTS)
    assert record.tests_of(other, 1) == []
