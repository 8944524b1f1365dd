"""Place and route from one seed after another, until a design is as fast as its clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...golden.basics.field_checks import check_integer
from .reports import PlacedDesign

#: Seeds that are tried where nobody says how many.
SEEDS = 3
#: Seeds move Fmax by some 5 % either way: a design that is slower than this part of its clock is
#: not tried again.
WORTH_ANOTHER = 0.9


@dataclass(frozen=True)
class Placement:
    """The fastest design that was placed.

    Attributes:
        seed: of nextpnr, that it came from.
        placed: what place and route reports.
        tried: Hz reached, by seed, in the order of the tries.
    """

    seed: int
    placed: PlacedDesign
    tried: dict[int, int]


def best_placement(
    place: Callable[[int], PlacedDesign], folder: Path, files: Sequence[str], *, seeds: int
) -> Placement:
    """Run ``place`` with seeds 1, 2, ... up to ``seeds``, until a design meets its timing.

    Args:
        place: places and routes from a seed, and leaves ``files`` in ``folder``.
        files: they are the fastest design's afterwards.

    Raises:
        RheobaseError: ``seeds`` is less than 1, or what ``place`` raises.
    """
    check_integer("", "seeds", seeds, 1, None)
    designs: dict[int, PlacedDesign] = {}
    contents: dict[str, bytes] = {}
    for seed in range(1, seeds + 1):
        designs[seed] = placed = place(seed)
        best = max(designs, key=lambda tried: designs[tried].frequency)
        if placed.meets_timing or designs[best].frequency < WORTH_ANOTHER * placed.constraint:
            break
        if best == seed:
            contents = {name: (folder / name).read_bytes() for name in files}
    if best != seed:
        for name, content in contents.items():
            (folder / name).write_bytes(content)
    tried_hz = {seed: round(placed.frequency) for seed, placed in designs.items()}
    return Placement(best, designs[best], tried_hz)
