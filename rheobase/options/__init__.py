"""Options that several commands have, each once: alone (``Annotated`` types) or in groups."""
