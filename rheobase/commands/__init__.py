"""What each ``rheobase`` command does."""
