"""From words of the row buffer to sums: events, weights, accumulators."""
