"""Board platforms and bitstream builds; empty until the board flow lands."""
