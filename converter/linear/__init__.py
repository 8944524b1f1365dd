"""Linear maps between neurons: terms, their sums, and one map after the other."""
