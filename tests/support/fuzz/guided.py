"""Fuzzing one parser for a given time with Atheris, which looks for inputs that reach new code.

    python -m tests.support.fuzz.guided PARSER SECONDS [SEED]
    python -m tests.support.fuzz.guided PARSER FILE

A finding is anything but a right answer or a ``RheobaseError`` in one line. It ends the run, and
what was read is kept in ``build/fuzz/PARSER-crash-…``, which the second form reads again. What was
found to reach new code is kept in ``build/fuzz/PARSER``, and the next run begins with it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import atheris
import numpy as np

from rheobase.golden.errors import RheobaseError

FOUND = Path("build/fuzz")
#: An input that takes longer (seconds), or more memory (MB), is a finding as well.
SECONDS, MEMORY = 60, 4096
LARGEST_BYTES = 1 << 18


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.support.fuzz.guided", description=__doc__)
    with atheris.instrument_imports(include=["rheobase", "nir"]):
        from .targets import TARGETS
    parser.add_argument("parser", choices=TARGETS)
    parser.add_argument("what", help="seconds, or a file to read")
    parser.add_argument("seed", nargs="?", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        with atheris.instrument_imports(include=["rheobase", "nir"]):
            target = TARGETS[given.parser](Path(scratch))

            def read(content: bytes) -> None:
                try:
                    target.read(content)
                except RheobaseError as error:
                    line = str(error).replace(scratch, "")
                    if "\n" in line:
                        raise AssertionError(f"several lines: {line!r}") from error

            # What a parser imports when it is first used is instrumented too.
            for seed in target.seeds:
                target.read(seed)
        if not given.what.isdigit():
            read(Path(given.what).read_bytes())
            return

        def mutated(content: bytes, largest: int, seed: int) -> bytes:
            """Half of the changes are the format's, half are libFuzzer's."""
            rng = np.random.default_rng(seed)
            if rng.random() < 0.5:
                return atheris.Mutate(content, largest)
            start = content or target.seeds[rng.integers(len(target.seeds))]
            return target.damage(rng, start)[:largest]

        corpus = FOUND / given.parser
        corpus.mkdir(parents=True, exist_ok=True)
        for seed in target.seeds:
            (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
        options = [
            f"-max_total_time={given.what}",
            f"-seed={given.seed}",
            f"-timeout={SECONDS}",
            f"-rss_limit_mb={MEMORY}",
            f"-max_len={LARGEST_BYTES}",
            f"-artifact_prefix={FOUND / given.parser}-",
            "-print_final_stats=1",
            "-verbosity=0",
            str(corpus),
        ]
        atheris.Setup([sys.argv[0], *options], read, custom_mutator=mutated)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
