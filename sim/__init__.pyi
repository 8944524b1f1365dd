from .batch import BuiltSimulation as BuiltSimulation
from .batch import VerilogRun as VerilogRun
from .batch import build_simulation as build_simulation
from .batch import run_verilog as run_verilog
from .comparison import Comparison as Comparison
from .comparison import simulate as simulate
