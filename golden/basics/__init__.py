"""What every package uses: checks of fields, files that are written whole, programs, extras."""
