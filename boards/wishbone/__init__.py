"""The accelerator as a peripheral of a processor, on Wishbone."""
