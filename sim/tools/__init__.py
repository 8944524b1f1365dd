"""Finds and starts the tools that simulate and synthesise, and keeps what they made."""
