"""The memory side of the engine: who reads and writes what is behind its memory port."""
