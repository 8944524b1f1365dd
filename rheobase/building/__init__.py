"""From a network to a folding, a plan and a build: what commands and ``rheobase.build`` share."""
