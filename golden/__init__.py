"""The integer IF network, its file and its exact NumPy reference simulation."""

from .errors import MachineError, RheobaseError
from .event_counts import EventCounts, count_events
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
from .provenance import Provenance
from .records import LayerRecord
from .simulation import Simulation, simulate

__all__ = [
    "IMAGE",
    "Coding",
    "Connection",
    "EventCounts",
    "Layer",
    "LayerRecord",
    "MachineError",
    "Network",
    "Pool",
    "PoolRule",
    "Provenance",
    "Readout",
    "RheobaseError",
    "Simulation",
    "SumPool",
    "count_events",
    "load_network",
    "network_hash",
    "save_network",
    "simulate",
]
