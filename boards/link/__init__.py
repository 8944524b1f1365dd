"""The host link's gateware: from the serial line to the accelerator and back."""
