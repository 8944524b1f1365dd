"""Answers and accuracy, and the energy estimate."""
