"""Targets that are no board: plain Verilog, memory files, and a template to instantiate it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ...golden.basics.output_files import folder_beside, put_in_place
from ...golden.errors import RheobaseError
from ...golden.network.network import Network
from ...hw.accelerator.accelerator import Accelerator
from ...hw.design.folding import Folding
from ...hw.verilog.generation import TOP, generate
from ...hw.verilog.header import header
from ...hw.verilog.module_names import check_module_name, with_module_name
from ..platforms.registry import VERILOG_TARGETS
from ..wishbone.register_map import c_header
from .edges import edge_files
from .instantiation import instantiation_template
from .interfaces import SUFFIXES
from .memory_files import memories_to_files
from .memory_wrapper import WRAPPER, WRAPPER_VERILOG, wrapped_verilog
from .output import MANIFEST, check_output, verilog_manifest
from .project_scripts import project_scripts
from .verilog_bench import verilog_bench


def plain_verilog(
    network: Network,
    folding: Folding,
    target: str,
    images: np.ndarray | None = None,
    name: str = TOP,
) -> dict[str, str]:
    """Files of ``target`` by name: the design, its edges for a bus, and what helps to use it.

    Args:
        target: ``generic`` (memories as arrays, their contents in files) or ``asic`` (memories
            behind module ``rheobase_memory``).
        images: uint8, (images, channels, rows, columns), of the test bench; no bench where None.
        name: of the top module, which names of the others and of files begin with.

    Raises:
        RheobaseError: a P or E out of range, no such target, or a name that no module can have.
    """
    check_module_name(name)
    if target not in VERILOG_TARGETS:
        raise RheobaseError(f"target: {target!r}, must be {' or '.join(VERILOG_TARGETS)}")
    if target == "generic":
        text, memories = memories_to_files(generate(network, folding))
        models = {}
    else:
        text, memories = wrapped_verilog(Accelerator(network, folding), TOP)
        text = header(network, folding) + text
        models = {f"{WRAPPER}.v": WRAPPER_VERILOG}
    template = instantiation_template(network)
    design = {f"{TOP}.v": text, **models}
    bench = {} if images is None else verilog_bench(network, folding, images, list(design))
    files = {
        **design,
        **memories,
        **edge_files(network),
        "instantiation.v": template,
        **bench,
    }
    files = _renamed(files, memories, name)
    files[f"{name}_wb.h"] = c_header(network, name)
    if target == "generic":
        verilog = [f"{name}.v", *models, *(f"{name}{suffix}.v" for suffix in SUFFIXES.values())]
        files |= project_scripts(name, verilog, [_memory(file, name) for file in memories])
    return files


def _memory(file: str, name: str) -> str:
    """What a memory's ``file`` is called in a design called ``name``."""
    return file if name == TOP else f"{name}_{file}"


def _renamed(files: dict[str, str], memories: Iterable[str], name: str) -> dict[str, str]:
    """``files`` of a design called ``name``: modules, and files that another design has too."""
    if name == TOP:
        return files
    found = {}
    for file, text in files.items():
        if file.endswith(".v"):
            text = with_module_name(text, name)
            for memory in memories:
                text = text.replace(f'"{memory}"', f'"{_memory(memory, name)}"')
            text = text.replace(f"{TOP}.v", f"{name}.v")
        if file in memories:
            file = _memory(file, name)
        found[file.replace(TOP, name, 1) if file.startswith(TOP) else file] = text
    return found


def write_plain_verilog(
    network: Network,
    folding: Folding,
    target: str,
    output: Path,
    images: np.ndarray | None = None,
    name: str = TOP,
) -> list[str]:
    """Write ``target`` with a manifest to the folder ``output``, whole or not at all.

    Returns:
        names of the files.

    Raises:
        RheobaseError: see ``plain_verilog``, or the folder cannot be written.
    """
    check_output(output)
    files = plain_verilog(network, folding, target, images, name)
    files[MANIFEST] = verilog_manifest(network, folding, target, files, name)
    with folder_beside(output) as work:
        for name, text in files.items():
            (work / name).write_text(text)
        put_in_place(work, output)
    return list(files)
