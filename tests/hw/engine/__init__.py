"""The engine's components, and the engine as a whole."""
