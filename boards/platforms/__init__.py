"""The boards that rheobase knows: pins, clocks, phase-locked loops."""
