"""What is to be built: folding, geometry, synapses, shares of lanes, layouts of what travels."""
