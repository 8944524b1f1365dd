"""The last layer: counted spikes or summed currents, and the answer."""
