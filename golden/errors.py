"""The one exception type that user-facing code turns into a single line and exit status 2."""


class RheobaseError(ValueError):
    """Bad input: the message says in one line what was wrong, where, and what is accepted."""
