"""Max pooling on currents, and integrate-and-fire neurons in both codings."""
