"""Coverage-guided fuzzing of every parser, see ``guided``."""
