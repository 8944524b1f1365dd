"""The host's side: talks to a configured board, and configures one."""
