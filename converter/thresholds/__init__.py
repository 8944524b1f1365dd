"""Threshold balancing and delayed evaluation (eq. 10-19)."""
