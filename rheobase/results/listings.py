"""Results of commands that say what there is, and of those that exchange files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import Part, Result


@dataclass(frozen=True)
class NetworkLayer(Part):
    """A layer of a network file; sources, kernels and bits are those of each connection."""

    name: str
    sources: list[str]
    kernels: list[str]
    shape: list[int]
    weights: int
    weight_bits: list[int]
    threshold: list[int] | None
    max_pool: str | None
    signed: bool
    T: int | None


@dataclass(frozen=True)
class NetworkFile(Result):
    """Of ``inspect``: an integer network. ``provenance`` says where it comes from."""

    kind: str
    name: str
    sha256: str
    coding: str
    T: int
    t0: int
    readout: str
    input: list[int]
    outputs: dict[str, list[int]]
    weights: int
    bits_of_weights: int
    event_counts: int
    provenance: dict[str, Any] | None
    layers: list[NetworkLayer]


@dataclass(frozen=True)
class FloatLayer(Part):
    """Thresholds (least, largest) of a float SNN's layer."""

    name: str
    channels: int
    threshold: list[float]


@dataclass(frozen=True)
class FloatFile(Result):
    """Of ``inspect``: a float SNN's thresholds."""

    kind: str
    coding: str
    T: int
    t0: int
    readout: str
    input: list[int]
    layers: list[FloatLayer]


@dataclass(frozen=True)
class BuildFolder(Result):
    """Of ``inspect``: a build or generated Verilog, as its manifest says.

    ``files`` says of each whether it is as built, changed or absent.
    """

    kind: str
    network: dict[str, Any]
    files: dict[str, str]
    board: str | None = None
    device: str | None = None
    clock: dict[str, Any] | None = None
    host_link: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    folding: Any = None
    tools: dict[str, str] | None = None


@dataclass(frozen=True)
class KnownBoard(Part):
    """A board that ``build`` knows."""

    board: str
    title: str
    device: str
    luts: int
    block_rams: int
    clock_hz: float
    serial_line: str
    engine: str | None


@dataclass(frozen=True)
class Boards(Result):
    """Of ``boards``."""

    boards: list[KnownBoard]


@dataclass(frozen=True)
class Installed(Part):
    """Something that commands need: its version or place, "" where absent; then see ``remedy``."""

    name: str
    purpose: str
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Doctor(Result):
    """Of ``doctor``."""

    parts: list[Installed]


@dataclass(frozen=True)
class Exported(Result):
    """Of ``export-nir``."""

    file: str


@dataclass(frozen=True)
class Imported(Result):
    """Of ``import-nir``: layers whose weights were quantised, and to how many bits."""

    file: str
    quantised: list[str]
    weight_bits: int
    subtracts: bool
