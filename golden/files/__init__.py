"""The network's file."""
