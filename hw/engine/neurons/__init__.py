"""From the sums of a unit to numbers or currents."""
