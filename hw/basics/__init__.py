"""Small parts that everything else is built of: checks, shapes, queue, fork, selection, tables."""
