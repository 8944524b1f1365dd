"""Where an engine's block RAMs lie on an ECP5, settled before place and route."""
