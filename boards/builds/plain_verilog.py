"""Targets that are no board: plain Verilog, memory files, and a template to instantiate it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...golden.basics.output_files import folder_beside, put_in_place
from ...golden.errors import RheobaseError
from ...golden.network.network import Network
from ...hw.accelerator.accelerator import Accelerator
from ...hw.design.folding import Folding
from ...hw.verilog.generation import TOP, generate
from ...hw.verilog.header import header
from ..platforms.registry import VERILOG_TARGETS
from .instantiation import instantiation_template
from .memory_files import memories_to_files
from .memory_wrapper import WRAPPER, WRAPPER_VERILOG, wrapped_verilog
from .output import MANIFEST, check_output, verilog_manifest
from .verilog_bench import verilog_bench


def plain_verilog(
    network: Network, folding: Folding, target: str, images: np.ndarray | None = None
) -> dict[str, str]:
    """Files of ``target`` by name.

    Args:
        target: ``generic`` (memories as arrays, their contents in files) or ``asic`` (memories
            behind module ``rheobase_memory``).
        images: uint8, (images, channels, rows, columns), of the test bench; no bench where None.

    Raises:
        RheobaseError: a P or E out of range, or no such target.
    """
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
    return {**design, **memories, "instantiation.v": template, **bench}


def write_plain_verilog(
    network: Network,
    folding: Folding,
    target: str,
    output: Path,
    images: np.ndarray | None = None,
) -> list[str]:
    """Write ``target`` with a manifest to the folder ``output``, whole or not at all.

    Returns:
        names of the files.

    Raises:
        RheobaseError: see ``plain_verilog``, or the folder cannot be written.
    """
    check_output(output)
    files = plain_verilog(network, folding, target, images)
    files[MANIFEST] = verilog_manifest(network, folding, target, files)
    with folder_beside(output) as work:
        for name, text in files.items():
            (work / name).write_text(text)
        put_in_place(work, output)
    return list(files)
