"""What a cocotb bench was given, read inside the simulation.

It imports nothing of the generator: a bench starts in a third of the time without it.
"""

from __future__ import annotations

import json
import os
from typing import Any

#: Environment variable that brings a bench its parameters, as JSON.
PARAMETERS = "RHEOBASE_BENCH_PARAMETERS"


def bench_parameters() -> dict[str, Any]:
    """The parameters that ``run_bench`` was given; called inside the simulation."""
    return json.loads(os.environ[PARAMETERS])
