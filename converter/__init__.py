"""From a trained torch model to the integer IF network: trace, balance, quantise, lower."""

from .balancing import Balance, Method, balance
from .conversion import Conversion, Options, convert
from .graph import Graph, Operation, OperationKind
from .qcfs import Qcfs, register_qcfs
from .snn import Evaluation, FloatSnn
from .tracing import trace

__all__ = [
    "Balance",
    "Conversion",
    "Evaluation",
    "FloatSnn",
    "Graph",
    "Method",
    "Operation",
    "OperationKind",
    "Options",
    "Qcfs",
    "balance",
    "convert",
    "register_qcfs",
    "trace",
]
