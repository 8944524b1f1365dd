from .converter import Conversion as Conversion
from .converter import Method as Method
from .converter import Options as Options
from .converter import convert as convert
from .golden import IMAGE as IMAGE
from .golden import Coding as Coding
from .golden import Connection as Connection
from .golden import Layer as Layer
from .golden import Network as Network
from .golden import Pool as Pool
from .golden import PoolRule as PoolRule
from .golden import Provenance as Provenance
from .golden import Readout as Readout
from .golden import RheobaseError as RheobaseError
from .golden import SumPool as SumPool
from .golden import load_network as load_network
from .golden import network_hash as network_hash
from .golden import run_golden as run_golden
from .golden import save_network as save_network
from .hw import LayerFolding as LayerFolding
from .hw import default_folding as default_folding
from .hw import generate as generate
from .sim import build_simulation as build_simulation
from .sim import run_verilog as run_verilog
from .sim import simulate as simulate

__version__: str
