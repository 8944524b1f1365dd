"""Which module may import which: what keeps the rooms apart, held over every import there is.

Imports are read from the source, those inside functions too; what stands under ``TYPE_CHECKING``
is no import.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("golden", "converter", "hw", "sim", "boards")
#: What each room may import of the others (docs/meaning.md says why golden stands alone).
ALLOWED = {
    "golden": set(),
    "converter": {"golden"},
    "hw": {"golden"},
    "sim": {"golden", "hw"},
    "boards": {"golden", "hw", "sim"},
    "rheobase": set(ROOMS),
}


@cache
def modules() -> dict[str, Path]:
    """Every module of the product by its full name."""
    found = {}
    for folder in (*ROOMS, "rheobase"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[0] == "rheobase" and parts[1] in ROOMS:
                continue  # the link to a room
            parts = parts if parts[0] == "rheobase" else ("rheobase", *parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ROOMS else "rheobase"


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from nodes(child)


def imports(module: str, path: Path, source: str | None = None) -> Iterator[tuple[str, str | None]]:
    """(module, name) of all that a file imports; the name is None in ``import module``."""
    is_package = path.name.startswith("__init__")
    tree = ast.parse(path.read_text(encoding="utf-8") if source is None else source)
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")
            base = base[: len(base) + is_package - node.level] if node.level else []
            target = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((target, alias.name) for alias in node.names)


def resolved(module: str, name: str | None) -> str:
    """The module that holds ``name`` of ``module``: itself, a module in it, or where it is from."""
    known = modules()
    if name is not None and f"{module}.{name}" in known:
        return f"{module}.{name}"
    stub = known[module].with_suffix(".pyi") if module in known else None
    if stub is not None and stub.exists():
        for target, exported in imports(module, stub):
            if exported == name:
                return resolved(target, name)
    return module


@cache
def graph() -> dict[str, set[str]]:
    """Modules, our own and others', that each module imports."""
    return {
        module: {resolved(*imported) for imported in imports(module, path)}
        for module, path in modules().items()
    }


@cache
def reached(start: str) -> frozenset[str]:
    """Every module that is imported, by whatever way, where all of room (folder) ``start`` is."""
    found, waiting = (
        set(),
        [
            module
            for module in graph()
            if room(module) == start or module.startswith(f"rheobase.{start}.")
        ],
    )
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += graph().get(module, ())
    return frozenset(found)


def top_levels(names: frozenset[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def test_imports_inside_functions_count_and_those_for_types_do_not():
    source = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from .file import load_network\n"
        "def late():\n    from ...golden import run_golden\n    import torch.nn\n"
    )
    path = modules()["rheobase.golden.network.network"]
    found = {resolved(*one) for one in imports("rheobase.golden.network.network", path, source)}
    assert found == {"typing", "rheobase.golden.run.run", "torch.nn"}


def test_every_module_that_is_imported_is_there():
    known = modules()
    missing = {
        (module, name)
        for module, names in graph().items()
        for name in names
        if name.startswith("rheobase") and name not in known
    }
    assert not missing


@pytest.mark.parametrize("name", ALLOWED)
def test_a_room_imports_only_those_below_it(name):
    taken = {
        room(imported)
        for module, names in graph().items()
        if room(module) == name
        for imported in names
        if imported in modules()
    }
    assert taken - {name} <= ALLOWED[name]


def test_no_two_rooms_import_one_another():
    assert list(TopologicalSorter(ALLOWED).static_order())


def test_no_module_imports_itself_by_way_of_others():
    own = {
        module: {name for name in names if name in modules()} for module, names in graph().items()
    }
    try:
        tuple(TopologicalSorter(own).static_order())
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_golden_needs_numpy_and_safetensors_alone():
    others = top_levels(reached("golden")) - set(sys.stdlib_module_names)
    assert others == {"numpy", "safetensors", "rheobase"}


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("hw", {"torch", "torchvision"}),
        ("sim", {"torch", "torchvision"}),
        ("boards", {"torch", "torchvision"}),
        ("converter", {"amaranth"}),
        ("hw.planning", {"amaranth"}),
    ],
)
def test_what_a_room_never_imports(name, absent):
    assert not top_levels(reached(name)) & absent


def loaded_by(module: str) -> list[str]:
    code = f"import sys, {module}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ran.stdout.split()
    assert module in loaded
    return loaded


def test_a_queue_loads_no_planner_and_no_file_format():
    loaded = loaded_by("rheobase.hw.basics.queue")
    assert "amaranth" in loaded
    assert not [name for name in loaded if name.startswith(("rheobase.hw.planning", "safetensors"))]


@pytest.mark.parametrize("module", ["rheobase.sim.bench_parameters", "rheobase.sim.streams"])
def test_what_a_bench_imports_loads_neither_generator_nor_numpy(module):
    # Each of some 600 simulations would load them: three of four CPU seconds.
    assert not {"amaranth", "numpy"} & set(loaded_by(module))
