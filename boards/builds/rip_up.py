"""nextpnr's router lays wires anew that are too slow for the clock, for so many rounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ...golden.basics.programs import ProgramStoppedError

#: nextpnr's option. Its router goes on for as long as a wire is too slow, without end where the
#: clock is out of reach.
RIP_UP = "--tmg-ripup"
#: Rounds after which the clock is taken to be out of reach. Designs that reached theirs took up to
#: 60, and one that did not had no overused wire left after 148.
ROUNDS = 200
_ROUND = re.compile(r"^Info:\s+iter=\d+ wires=", re.MULTILINE)


def routed_with_rip_up(run: Callable[[Callable[[], bool]], None], log: Path) -> bool:
    """Whether nextpnr came to an end with ``RIP_UP`` in ``ROUNDS`` rounds; it is stopped then.

    Args:
        run: runs nextpnr with the option, until it ends or what it is given says so.
        log: of nextpnr, as it grows.
    """

    def too_long() -> bool:
        said = log.read_text(errors="replace") if log.exists() else ""
        return len(_ROUND.findall(said)) > ROUNDS

    # That of the seed before.
    log.unlink(missing_ok=True)
    try:
        run(too_long)
    except ProgramStoppedError:
        return False
    return True
