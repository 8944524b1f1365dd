"""Changes of a traced graph that keep what it computes."""
