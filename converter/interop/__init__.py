"""Networks and models in other projects' files."""
