"""From numbers to the memory words of a map."""
