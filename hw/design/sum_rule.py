"""How a graph lane adds up the sums of planes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SumRule:
    """What becomes of a plane's sum.

    Attributes:
        whole_trains: a sum is given out once for each window; else one for each step.
        doubles: what came before is worth twice as much at each plane.
        accumulates_steps: a step's sum has those of the steps before it.
        signed_trains: the first plane of a train, or of a step of two planes, counts negative.
    """

    whole_trains: bool
    doubles: bool
    accumulates_steps: bool
    signed_trains: bool
