"""Maps in memory, and what layers read of them."""
