"""One accelerator for any network: it reads passes, weights and maps from a memory."""
