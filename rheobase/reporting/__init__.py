"""A report on a network: measured once, written as JSON and as a page that draws it."""
