"""Neurons that fire signed, in both codings, against the rule written out one spike at a time."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from rheobase.converter.graph.graph import OperationKind
from rheobase.converter.graph.kernels import run_operation
from rheobase.converter.rewrite.rewrite import with_readout
from rheobase.converter.signed.placement import linear_points, with_signed
from rheobase.converter.snn.firing import Neurons, fire, mean_output
from rheobase.converter.snn.snn import FloatSnn
from rheobase.converter.thresholds.balancing import balance
from rheobase.golden.network.network import Coding, Readout
from tests.support.models.small_models import Bottlenecks, prepared_graph
from tests.support.networks import spiking_graph


def neurons(threshold, initial, slope):
    values = (threshold, initial / threshold, 0.0, slope)
    return Neurons(*(torch.tensor([value], dtype=torch.float64) for value in values))


def trains(currents, threshold, other, start):
    """+1, 0, -1 of each step, in integers: compare, subtract what the sign of the sum says."""
    v, fired, found = start, 0, []
    silent_from = -((other - threshold) // 2)
    for current in currents:
        v += current
        spike = 0
        if v >= (other + silent_from if fired < 0 else threshold):
            spike, taken = 1, other if fired < 0 else threshold
        elif v < (0 if fired > 0 else silent_from):
            spike, taken = -1, threshold if fired > 0 else other
        v -= spike * taken if spike else 0
        fired += spike
        found.append(spike)
    return found


@given(
    st.lists(st.integers(-90, 60), min_size=1, max_size=9),
    st.integers(1, 20).map(lambda half: 2 * half),
    st.sampled_from([1, 2, 4, 8]),
)
def test_rate_equals_integers(currents, threshold, factor):
    """Slopes 1, 1/2, ..., whose second threshold differs from the first by an even number."""
    expected = trains(currents, threshold, threshold * factor, threshold // 2)
    given_currents = torch.tensor(currents, dtype=torch.float64).reshape(-1, 1, 1)
    parameters = neurons(threshold, threshold // 2, 1 / factor)
    fired = fire(given_currents, parameters, Coding.RATE, len(currents))
    assert [round(float(value) / threshold) for value in fired] == expected
    mean = mean_output(given_currents, parameters, Coding.RATE, len(currents))
    assert float(mean) == pytest.approx(sum(expected) * threshold / len(currents))


#: Currents in units of theta, and the number that four planes of two's complement hold.
NUMBERS = {0.49: 0, 0.5: 1, -0.5: 0, -0.51: -1, 6.6: 7, 9.0: 7, -7.6: -8, -12.0: -8}


@pytest.mark.parametrize("slope", [1.0, 0.25])
@pytest.mark.parametrize("current", NUMBERS)
def test_radix_is_twos_complement(current, slope):
    """Both signs round alike, at a slope as well."""
    number = NUMBERS[current]
    value = current if current > 0 else current / slope
    threshold = 8 * 3.0  # of all levels, eight of them
    fired = fire(
        torch.full((1, 1, 1), value * 3.0, dtype=torch.float64),
        neurons(threshold, threshold / 2, slope),
        Coding.RADIX,
        4,
    )
    assert float(fired) == number * 3.0


def test_one_plane_is_a_sign():
    currents = torch.tensor([-2.0, -0.4, 0.4, 3.0], dtype=torch.float64).reshape(1, 4, 1)
    fired = fire(currents, neurons(1.0, 0.5, 1.0), Coding.RADIX, 1)
    assert fired.flatten().tolist() == [-1, 0, 0, 0]


class Leaky(nn.Module):
    """Slopes of one and of each channel, behind kernels and in front of maxima."""

    def __init__(self):
        super().__init__()
        self.conv, self.slopes = nn.Conv2d(3, 6, 3, 2, padding=1), nn.PReLU(6)
        self.next, self.head = nn.Conv2d(6, 4, 3), nn.Linear(36, 3)
        self.slopes.weight.data = torch.linspace(0.05, 1.0, 6)

    def forward(self, x):
        x = nn.functional.leaky_relu(self.next(self.slopes(self.conv(x))), 0.2)
        return self.head(nn.functional.max_pool2d(x, 2).flatten(1))


def converted(model, coding, *, counted=False, **options):
    torch.manual_seed(0)
    inputs = torch.randn(3, 3, 16, 16, dtype=torch.float64)
    graph = prepared_graph(model().eval(), (3, 16, 16))
    graph = with_signed(graph, dict.fromkeys(linear_points(graph))).to("cpu", torch.float64)
    graph = with_readout(graph) if counted else graph
    found = balance(graph, [inputs], iterations=60)
    thresholds = {name: value.double() for name, value in found.thresholds.items()}
    return FloatSnn(graph, thresholds, coding=coding, **options), inputs


@pytest.mark.parametrize("model", [Bottlenecks, Leaky])
@pytest.mark.parametrize("counted", [False, True])
def test_rate_equals_the_graph(model, counted):
    snn, inputs = converted(model, Coding.RATE, counted=counted, steps=9)
    expected = spiking_graph.rate(snn.graph, inputs, snn.thresholds, 9)
    run = snn.run(inputs, keep=[4])
    assert snn.readout == (Readout.COUNT if counted else Readout.CURRENT)
    torch.testing.assert_close(run.outputs()["out"], expected["out"], rtol=1e-9, atol=1e-9)
    early = spiking_graph.rate(snn.graph, inputs, snn.thresholds, 4)
    torch.testing.assert_close(run.outputs(4)["out"], early["out"], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("model", [Bottlenecks, Leaky])
def test_radix_equals_the_graph(model):
    snn, inputs = converted(model, Coding.RADIX, steps=4)
    expected = spiking_graph.radix(snn.graph, inputs, snn.thresholds, 4)
    run = snn.run(inputs)
    torch.testing.assert_close(run.outputs()["out"], expected["out"], rtol=1e-9, atol=1e-9)
    signed = next(o for o in snn.graph.neurons if o.arguments["slope"] is not None)
    values = {}
    for operation in snn.graph.operations:
        given = [values[name] for name in operation.inputs]
        values[operation.name] = run_operation(operation, *given) if given else inputs
        if operation.kind == OperationKind.RELU:
            break
    if operation is signed:  # set bits of a negative number are those of its two's complement
        unit = snn.thresholds[signed.name].reshape(-1, 1, 1) / 8
        numbers = torch.floor(values[signed.name] / unit + 0.5).clamp(-8, 7).long() % 16
        bits = sum((numbers >> bit) % 2 for bit in range(4)).double().mean()
        assert run.spikes[signed.name] == pytest.approx(float(bits))


def test_neurons_of_a_count_readout_stand_behind_signed_ones():
    graph = with_readout(
        prepared_graph(nn.Sequential(nn.Conv2d(3, 4, 1), nn.LeakyReLU()), (3, 1, 1))
    )
    assert [o.arguments["slope"] is None for o in graph.neurons] == [False, True]
    assert graph.outputs == {"out": "1:readout"}
