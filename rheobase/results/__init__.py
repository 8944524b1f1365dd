"""What each command found, in JSON's types: what ``--json`` prints."""
