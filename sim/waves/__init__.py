"""Waveforms of the accelerator and of components under test."""
