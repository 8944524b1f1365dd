"""The serial line: bits to bytes and back."""
