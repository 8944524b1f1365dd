"""What puts a component or an accelerator into a simulator and holds it against the truth."""
