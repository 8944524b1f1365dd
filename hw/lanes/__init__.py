"""Event lanes and direct lanes: from slabs of a window to weighted sums."""
