"""rheobase: from a trained PyTorch CNN to a spiking accelerator on an FPGA.

    conversion = rheobase.convert(model, images, mean=..., std=...)
    rheobase.save_network(conversion, "network.safetensors")
    verilog = rheobase.generate(conversion)

Names are loaded when they are first used, so that ``import rheobase`` needs neither torch nor
amaranth.
"""

from .golden.basics.lazy_exports import lazy_exports

_exported, __dir__, __all__ = lazy_exports(__name__, __file__)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    return _exported(name)
