"""What rheobase is measured with: `python -m benchmarks.NAME`."""
