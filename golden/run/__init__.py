"""The golden model: an integer network run exactly, and what its events and scores say."""
