"""How the benchmarks time and print their figures."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

#: Weights and images of ResNet-20 in the folder that ``--shared`` names.
WEIGHTS, IMAGES = Path("models/resnet20-cifar10.pth"), Path("data/cifar10")


def show(name: str, value: float, unit: str, bound: float | None) -> None:
    """One figure on standard output."""
    rounded = None if bound is None else round(float(bound), 4)
    line = {"name": name, "value": round(float(value), 4), "unit": unit, "bound": rounded}
    print(json.dumps(line), flush=True)


def best_seconds(task: Callable[[], object], repeats: int = 5) -> float:
    """The shortest of several runs: what disturbs a run only makes it longer."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


def skipped(root: Path, *parts: Path) -> bool:
    """Whether ``root`` lacks some of ``parts``; says so on standard error."""
    lacking = [str(part) for part in parts if not (root / part).exists()]
    if lacking:
        script = Path(sys.argv[0]).name
        print(f"{script}: skipped, {root} has no {' and no '.join(lacking)}", file=sys.stderr)
    return bool(lacking)
