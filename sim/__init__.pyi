from .batch import VerilogRun as VerilogRun
from .batch import build_simulation as build_simulation
from .batch import run_verilog as run_verilog
from .comparison import Comparison as Comparison
from .comparison import simulate as simulate
from .harness_process import BuiltSimulation as BuiltSimulation
from .harness_process import SimulationError as SimulationError
from .waves.waves import record_waves as record_waves
