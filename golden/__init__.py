"""The integer IF network, its file and its exact NumPy reference simulation."""

from .errors import MachineError, RheobaseError
from .file import load_network, network_hash, save_network
from .network import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Pool,
    PoolRule,
    Readout,
    SumPool,
)
from .records import LayerRecord
from .simulation import Simulation, simulate

__all__ = [
    "IMAGE",
    "Coding",
    "Connection",
    "Layer",
    "LayerRecord",
    "MachineError",
    "Network",
    "Pool",
    "PoolRule",
    "Readout",
    "RheobaseError",
    "Simulation",
    "SumPool",
    "load_network",
    "network_hash",
    "save_network",
    "simulate",
]
