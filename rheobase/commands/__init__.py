"""The commands, one file each: its options in the signature, its work below.

A command imports what it needs when it runs, so that the command line starts at once and a command
without its extra is the only one that fails. A new command is a file here and a line in ``cli``.
"""
