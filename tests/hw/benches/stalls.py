"""How often streams stall in tests of components."""

#: Chance of a gap and of back-pressure per cycle: none, either, both.
STALLS = ((0.0, 0.0), (0.6, 0.0), (0.0, 0.7), (0.4, 0.4))
