"""The window buffer: a map comes in row by row, the slabs of every window go out."""
