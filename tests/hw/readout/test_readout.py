"""Readouts: counts and summed currents in t0 < t <= T, and the answer."""

import numpy as np
import pytest
from amaranth import signed

from rheobase.golden.network.bounds import Interval
from rheobase.hw.design.payloads import CurrentLayout, vector
from rheobase.hw.readout.count_readout import CountReadout
from rheobase.hw.readout.current_readout import CurrentReadout
from rheobase.hw.readout.result_writer import ResultLayout, ResultWriter
from tests.support.simulation.agents import run_without_stalls
from tests.support.simulation.components import check_exchange


@pytest.mark.parametrize(("steps", "delay", "radix"), [(7, 0, False), (5, 3, False), (4, 0, True)])
def test_count(steps, delay, radix):
    rng = np.random.default_rng(steps)
    component = CountReadout(3, 7, radix=radix)
    trains = rng.integers(0, 2, (20, steps, 3))
    worth = 2 ** np.arange(steps)[::-1] if radix else np.arange(steps) >= delay
    counts = np.einsum("nts,t->ns", trains, worth.astype(int)).tolist()
    words = (trains * [1, 2, 4]).sum(axis=2).ravel().tolist()
    check_exchange(
        component,
        {"spikes": (3, words)},
        {"scores": (vector(component.score_shape, 3), counts)},
        ports={"steps": steps, "delay": delay},
    )


@pytest.mark.parametrize("kind", ["stepwise", "constant", "summed", "whole train"])
@pytest.mark.parametrize(("steps", "delay"), [(4, 3), pytest.param(6, 0, marks=pytest.mark.slow)])
def test_current(kind, steps, delay):
    rng = np.random.default_rng(steps)
    bias = rng.integers(-9, 9, 5)
    given, sums = [], []
    for number in range(15):
        group = number % 3
        currents = rng.integers(-20, 20, (steps, 2))
        own_bias = np.array([*bias, 0])[2 * group : 2 * group + 2]
        shown = steps if kind == "stepwise" else 1
        for step in range(shown):
            marks = {"first_step": int(step == 0), "last_step": int(step == shown - 1)}
            given.append({"currents": currents[step].tolist(), "group": group} | marks)
        if kind == "stepwise":
            total = (currents[delay:] + own_bias).sum(axis=0)
        elif kind == "summed":
            total = currents[0] + own_bias * (steps - delay)
        elif kind == "constant":
            total = (currents[0] + own_bias) * (steps - delay)
        else:
            total = currents[0] + own_bias
        sums.append(total.tolist())
    component = CurrentReadout(
        bias,
        neurons=2,
        current_shape=signed(6),
        bounds=Interval(-300, 300),
        steps=6,
        constant=kind == "constant",
        summed=kind == "summed",
        whole_train=kind == "whole train",
    )
    check_exchange(
        component,
        {"currents": (CurrentLayout(signed(6), 2, 3), given)},
        {"scores": (vector(component.score_shape, 2), sums)},
        ports={} if kind == "whole train" else {"steps": steps, "delay": delay},
    )


@pytest.mark.parametrize(
    ("classes", "neurons", "pixels"), [(10, 4, 1), (3, 3, 1), (1, 1, 5), (5, 2, 4)]
)
def test_answer_is_the_lowest_of_the_largest(classes, neurons, pixels):
    rng = np.random.default_rng(classes)
    groups = -(-classes // neurons)
    scores = rng.integers(-3, 3, (20, classes))
    padded = np.full((20, groups * neurons), 3)
    padded[:, :classes] = scores
    beats = [
        {
            "score": int(row[index]),
            "prediction": int(np.argmax(row[: index + 1])),
            "last": int(index == classes - 1 and number % pixels == pixels - 1),
        }
        for number, row in enumerate(scores)
        for index in range(classes)
    ]
    check_exchange(
        ResultWriter(signed(4), neurons, classes, pixels),
        {"scores": (vector(signed(4), neurons), padded.reshape(-1, neurons).tolist())},
        {"results": (ResultLayout(signed(4), classes), beats)},
    )


def test_a_result_leaves_in_each_cycle():
    """The next scores are taken as the last of those before leave, of whole and of last groups."""
    component = ResultWriter(signed(4), 2, 5, 1)
    given = [[number % 7, 3] for number in range(30)]
    # Three groups of two have five classes; the first leaves a cycle after it came.
    results = run_without_stalls(
        component, (component.scores, given), component.results, 50, cycles=51
    )
    assert [result.score for result in results[:5]] == [0, 3, 1, 3, 2]
