"""Which words of the row buffer a window sees, in which order."""
