"""Area, cycles and the search for a folding; see ``hw.design`` for what a folding is."""
