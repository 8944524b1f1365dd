"""``rheobase doctor``: what is installed, what is not, and how to get it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, version

from ..golden.basics.extras import EXTRAS, how_to_install
from ..golden.errors import MachineError
from ..results.listings import Doctor, Installed

#: What the parts of each extra are for; "" is rheobase itself.
_PURPOSES = {
    "": "every command",
    "convert": "convert and what measures a model",
    "boards": "build for a board",
    "interop": "export-nir, import-nir and ONNX files",
    "report": "report's page",
    "cluster": "--scheduler of sweep, evaluate and simulate",
    "graphs": "generate and build with graph lanes",
    "tasks": "evaluate segmentation, detection and video",
}


def doctor() -> Doctor:
    """Say what is installed and what is missing, with versions.

    Nothing that is absent is an error here: each command names what it lacks itself.
    """
    from ..console import show, working
    from ..tables import table

    with working("looking"):
        parts = [*_packages(), *_tools(), *_machine()]
    rows = [
        [part.name, part.found or "absent", part.purpose, "" if part.found else part.remedy]
        for part in parts
    ]
    show(table("", ("part", "found", "for", "to get it"), rows))
    return Doctor(parts)


def _packages() -> Iterator[Installed]:
    from .. import __version__

    yield Installed("rheobase", "", __version__)
    yield Installed("Python", "", platform.python_version())
    names = packages_distributions()
    for module, extra in EXTRAS.items():
        try:
            found = version(names.get(module, [module])[0])
        except PackageNotFoundError:
            found = ""
        yield Installed(module, _PURPOSES[extra], found, how_to_install(module))


def _tools() -> Iterator[Installed]:
    from ..boards.host.program import find_loader
    from ..sim.tools.eda_tools import TOOLS, find_tool
    from ..sim.tools.toolchain import find_toolchain

    yield _part("Verilator", "simulate, demo", lambda: find_toolchain().version)
    yield _part("C++ compiler", "simulate, demo", lambda: find_toolchain().compiler_version)
    for name in TOOLS:
        yield _part(name, "build for a board", lambda name=name: find_tool(name).version)
    yield _part("openFPGALoader", "program", find_loader)


def _part(name: str, purpose: str, find: Callable[[], str]) -> Installed:
    try:
        return Installed(name, purpose, find())
    except MachineError as error:
        return Installed(name, purpose, "", str(error))


def _machine() -> Iterator[Installed]:
    from serial.tools.list_ports import comports

    from ..sim.tools.cache import cache_folder

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Installed("processor cores", "", str(cores))
    folder = cache_folder()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    writable = os.access(existing, os.W_OK)
    yield Installed(
        "cache of builds",
        "simulate, demo, build",
        str(folder) if writable else "",
        f"{existing} cannot be written to; RHEOBASE_CACHE names another folder",
    )
    ports = [port.device for port in comports()]
    yield Installed("serial ports", "classify", ", ".join(ports), "plug a board in")
