from .accelerator.accelerator import Accelerator as Accelerator
from .design.folding import Folding as Folding
from .design.folding import LayerFolding as LayerFolding
from .planning.default_folding import default_folding as default_folding
from .verilog.generation import generate as generate
