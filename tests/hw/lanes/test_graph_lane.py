"""GraphLane: sums of windows' planes against NumPy, in every way of adding up planes."""

import numpy as np
import pytest

from rheobase.golden.network.bounds import Interval
from rheobase.hw.basics.shapes import signed_shape
from rheobase.hw.design.graph_optimiser import adder_graph
from rheobase.hw.design.payloads import WindowLayout
from rheobase.hw.design.sum_rule import SumRule
from rheobase.hw.lanes.graph_lane import GraphLane
from tests.support.simulation.components import check_exchange, word
from tests.support.simulation.sliding import sliding_geometry

pytest.importorskip("da4ml", reason="graph lanes need the extra graphs")

#: By name: coding, T, planes of a step, the rule.
RULES = {
    "pixels": ("pixels", 1, 1, SumRule(True, False, False, False)),
    "radix": ("radix", 3, 1, SumRule(True, True, False, False)),
    "signed radix": ("radix", 3, 1, SumRule(True, True, False, True)),
    "rate": ("rate", 3, 1, SumRule(False, False, False, False)),
    "signed rate": ("rate", 3, 2, SumRule(False, False, False, True)),
    "cumulative": ("rate", 3, 1, SumRule(False, False, True, False)),
    "signed cumulative": ("rate", 3, 2, SumRule(False, False, True, True)),
}


QUICK = ("signed radix", "signed cumulative")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in QUICK)) for n in RULES]
)
def test_sums(name):
    coding, steps, planes_of_step, rule = RULES[name]
    rng = np.random.default_rng(len(name))
    pixels = coding == "pixels"
    sliding = sliding_geometry(
        kernel=(2, 3), channels=2, planes=8 if pixels else 1, steps=steps, planes_of_step=1
    )
    taps, depth = 6, sliding.geometry.planes
    weights = rng.integers(-8, 8, (taps * 2, 4))
    weights[:, 2] = 0
    graph = adder_graph(weights, [Interval(0, 2**depth - 1)] * len(weights))
    windows, sums = [], []
    for number in range(20):
        place = {"first_position": number % 4 == 0, "last_position": number % 4 == 3}
        totals = []
        for step in range(steps):
            for plane in range(planes_of_step):
                values = rng.integers(0, 2**depth, (taps, 2))
                bits = values[:, np.newaxis] >> np.arange(depth)[::-1, np.newaxis] & 1
                marks = place | {
                    "first_plane": step == plane == 0,
                    "last_plane": step == steps - 1 and plane == planes_of_step - 1,
                    "second": plane == planes_of_step - 1,
                    "first_step": step == 0,
                    "last_step": step == steps - 1,
                }
                marks = {key: int(value) for key, value in marks.items()}
                windows.append({"bits": word(bits.ravel()), "marks": marks})
                totals.append(values.ravel() @ weights)
        for total, unit in _expected(coding, np.array(totals), planes_of_step, rule):
            unit |= {"position": 0, "group": 0} | {k: int(v) for k, v in place.items()}
            sums.append({"sums": total.tolist(), "unit": unit})
    bound = 2 * 255 * 8 * taps
    component = GraphLane(sliding, graph, rule, signed_shape(Interval(-bound, bound)))
    check_exchange(
        component,
        {"windows": (WindowLayout(sliding), windows)},
        {"sums": (component.sums.payload.shape(), sums)},
    )


def _expected(coding, totals, planes_of_step, rule):
    """Sums of one window, and the steps that they are for."""
    whole = {"first_step": 1, "last_step": 1}
    if coding == "pixels":
        return [(totals[0], whole)]
    if coding == "radix":
        worth = 2 ** np.arange(len(totals))[::-1]
        worth[0] *= -1 if rule.signed_trains else 1
        return [(worth @ totals, whole)]
    of_steps = totals.reshape(-1, planes_of_step, totals.shape[-1])
    of_steps = of_steps[:, -1] - (of_steps[:, 0] if planes_of_step == 2 else 0)
    if rule.accumulates_steps:
        of_steps = of_steps.cumsum(axis=0)
    last = len(of_steps) - 1
    return [
        (total, {"first_step": int(step == 0), "last_step": int(step == last)})
        for step, total in enumerate(of_steps)
    ]
