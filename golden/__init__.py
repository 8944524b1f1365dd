"""The integer IF network, its file and its exact NumPy reference simulation."""

from .errors import RheobaseError
from .file import load_network, network_hash, save_network
from .network import Coding, Layer, Network, Pool, PoolRule, Readout
from .simulation import LayerRecord, Simulation, simulate

__all__ = [
    "Coding",
    "Layer",
    "LayerRecord",
    "Network",
    "Pool",
    "PoolRule",
    "Readout",
    "RheobaseError",
    "Simulation",
    "load_network",
    "network_hash",
    "save_network",
    "simulate",
]
