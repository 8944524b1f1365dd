"""What an integer network is: its layers, fields, bounds and checks."""
