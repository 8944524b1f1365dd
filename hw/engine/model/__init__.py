"""What an engine does with the words in its memory: the specification of the hardware."""
