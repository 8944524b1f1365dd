"""Light calibration: every layer is fitted to the model's activations."""
