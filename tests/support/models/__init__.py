"""Models for tests, and what converts them."""
