from .batch import BatchResult as BatchResult
from .batch import BuiltAccelerator as BuiltAccelerator
from .batch import build_accelerator as build_accelerator
from .batch import run as run
from .comparison import Comparison as Comparison
from .comparison import compare as compare
