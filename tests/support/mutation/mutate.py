"""Do the tests notice? Single-operator changes, each in a scratch copy of the package.

``make mutate SEED=0 COUNT=28`` draws them of ``hw/`` at random, with ``ROOM=golden`` of
``golden/``; ``python -m tests.support.mutation.mutate --at window/rotate.py:84:-:+`` tries one. A
change survives where every test file of the room that imports the changed module passes all the
same, and of ``hw/`` the networks of ``test_rare_graphs``: then a test is missing, or the change is
equivalent.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from .operators import Mutation, mutations

TESTS = Path(__file__).parents[2]
ROOT = TESTS.parent
#: The packages whose operators are changed.
ROOMS = ("hw", "golden")
#: Whole networks, which cost no C++ compiler.
NETWORKS = TESTS / "hw" / "accelerator" / "test_rare_graphs.py"
#: Tests of modules that no test imports: those that plan, and those that every run goes through.
OTHERWISE = {
    "hw": [TESTS / "hw" / "planning" / "test_plan.py"],
    "golden": [TESTS / "golden" / "run" / f"test_{name}.py" for name in ("run", "graphs")],
}


def all_mutations(room: str) -> list[tuple[str, Mutation]]:
    """Every change of every module of ``room``, as (path in it, change)."""
    return [
        (str(path.relative_to(ROOT / room)), mutation)
        for path in sorted((ROOT / room).rglob("*.py"))
        for mutation in mutations(path.read_text())
    ]


def files_for(room: str, module: str) -> list[Path]:
    """Test files that import ``module``; where none does, those of the modules that import it."""
    files = sorted((TESTS / room).rglob("test_*.py"))

    def importing(name: str) -> list[Path]:
        pattern = re.compile(rf"\b{room}\.\w+(\.| import ){name}\b")
        return [path for path in files if pattern.search(path.read_text())]

    found = importing(module)
    if not found:
        users = [
            path.stem
            for path in sorted((ROOT / room).rglob("*.py"))
            if re.search(rf"from \.[\w.]*\b{module} import", path.read_text())
        ]
        found = sorted({path for user in users for path in importing(user)})
    files = list(found or OTHERWISE[room])
    if room == "hw" and NETWORKS not in files:
        files.append(NETWORKS)
    return sorted(files, key=lambda path: (_compiles(path), path == NETWORKS))


def _compiles(path: Path) -> bool:
    """Whether a test file builds simulations with a C++ compiler, so that it should come last."""
    return re.search(r"check_exchange|check_equal|run_bench|build_", path.read_text()) is not None


def scratch_package(folder: Path, room: str, name: str, mutation: Mutation) -> None:
    """The package ``rheobase`` in ``folder``: links to ours, and the one file with its change."""
    package = folder / "rheobase"
    package.mkdir()
    for path in (ROOT / "rheobase").iterdir():
        if path.name != room:
            (package / path.name).symlink_to(path)
    for path in (*(ROOT / room).rglob("*.py"), *(ROOT / room).rglob("*.pyi")):
        place = package / room / path.relative_to(ROOT / room)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path)
    changed = package / room / name
    changed.unlink()
    changed.write_text(mutation.applied((ROOT / room / name).read_text()))


class TookTooLong(Exception):  # noqa: N818 - neither noticed nor survived
    """A test file did not end: the change may have stopped a search or a simulation."""


def killed_by(room: str, name: str, mutation: Mutation, timeout: float) -> str | None:
    """The test that notices the change; None where the change survives.

    Raises:
        TookTooLong: a test file took more than ``timeout`` seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch_package(Path(folder), room, name, mutation)
        environment = {
            **os.environ,
            "PYTHONPATH": folder,
            # Without it the folder of ours, where pytest is started, would come first.
            "PYTHONSAFEPATH": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "RHEOBASE_CACHE": str(Path(folder) / "cache"),
        }
        for path in files_for(room, Path(name).stem):
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-x",
                "-p",
                "no:cacheprovider",
                "-m",
                "not slow",
                "--no-header",
                str(path),
            ]
            try:
                ran = subprocess.run(
                    command,
                    cwd=ROOT,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=timeout,
                )
            except subprocess.TimeoutExpired as error:
                raise TookTooLong(f"{path.name} takes more than {timeout:g} s") from error
            if ran.returncode:
                failed = re.search(r"^(?:FAILED|ERROR) (\S+)", ran.stdout, re.MULTILINE)
                return failed[1].split("/")[-1] if failed else f"{path.name} ends early"
    return None


def _chosen(arguments: argparse.Namespace) -> list[tuple[str, Mutation]]:
    everything = all_mutations(arguments.room)
    if not arguments.at:
        return random.Random(arguments.seed).sample(everything, arguments.count)
    found = []
    for wanted in arguments.at:
        name, line, old, new = wanted.split(":")
        matching = [
            (file, mutation)
            for file, mutation in everything
            if (file, mutation.line) == (name, int(line))
            and (mutation.old, mutation.new) == (old, new)
        ]
        if not matching:
            raise SystemExit(f"{wanted}: no such operator, must be FILE:LINE:OLD:NEW")
        found += matching
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.support.mutation.mutate", description=__doc__)
    parser.add_argument("--room", choices=ROOMS, default="hw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=28)
    parser.add_argument("--timeout", type=float, default=600, help="seconds for a test file")
    parser.add_argument("--at", nargs="*", metavar="FILE:LINE:OLD:NEW")
    arguments = parser.parse_args()
    room, chosen = arguments.room, _chosen(arguments)
    survivors = unknown = 0
    for name, mutation in chosen:
        try:
            killer = killed_by(room, name, mutation, arguments.timeout)
            survivors += killer is None
        except TookTooLong as error:
            killer = f"UNKNOWN: {error}"
            unknown += 1
        line = (ROOT / room / name).read_text().splitlines()[mutation.line - 1].strip()
        change = f"{name}:{mutation.line}: {mutation.old} -> {mutation.new}"
        print(f"{change:<44} {killer or 'SURVIVES'}\n    {line}", flush=True)
    print(f"{len(chosen)} changes, {survivors} survive, {unknown} unknown")
    sys.exit(1 if survivors or unknown else 0)


if __name__ == "__main__":
    main()
