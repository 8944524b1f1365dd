"""rheobase: from a trained PyTorch CNN to a spiking accelerator on an FPGA."""

__version__ = "0.1.0"
