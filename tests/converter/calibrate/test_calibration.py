"""Calibration: firing, least squares, rounding, and that layers come closer to the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rheobase.converter.calibrate.calibration import Calibration, calibrate, layer_names
from rheobase.converter.calibrate.kernel_fit import RIDGES, KernelFit
from rheobase.converter.calibrate.least_squares import rounded_weights
from rheobase.converter.conversion import convert
from rheobase.converter.graph.analog import analog_forward
from rheobase.converter.graph.segments import run_segment, segment_of
from rheobase.converter.options import Options
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.snn.firing import Neurons, fire, mean_output
from rheobase.converter.snn.snn import FloatSnn
from rheobase.converter.thresholds.balancing import balance
from rheobase.converter.tracing.trace import trace
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import Coding
from rheobase.golden.run.run import run_golden


class Residual(nn.Module):
    """Pooling, a residual sum and a linear readout."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.third = nn.Conv2d(8, 8, 3, padding=1)
        self.linear = nn.Linear(8 * 16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.max_pool2d(self.first(x).relu(), 2)
        x = (x + self.third(self.second(x).relu())).relu()
        return self.linear(x.flatten(1))


@pytest.fixture(scope="module")
def subject() -> tuple[object, list[Tensor], dict[str, Tensor]]:
    torch.manual_seed(0)
    graph = prepared(trace(Residual(), (3, 8, 8)))
    batches = [torch.randn(100, 3, 8, 8) for _ in range(3)]
    return graph, batches, balance(graph, batches, iterations=200).thresholds


def spikes_one_by_one(
    currents: list[float], threshold: float, start: float, shift: float
) -> list[int]:
    potential, spikes = start * threshold, []
    for current in currents:
        potential += current + shift
        spikes.append(int(potential >= threshold))
        potential -= spikes[-1] * threshold
    return spikes


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(0, 2**20), st.booleans())
def test_firing_is_the_neuron_of_the_design(steps: int, seed: int, constant: bool) -> None:
    generator = np.random.default_rng(seed)
    currents = generator.normal(0.3, 0.6, (1 if constant else steps, 2, 3, 2))
    threshold, start, shift = generator.uniform((0.3, 0.1, -0.3), (2, 0.9, 0.3), (3, 3)).T
    neurons = Neurons(*(torch.from_numpy(v.copy()) for v in (threshold, start, shift)))
    given_currents = torch.from_numpy(currents)
    fired = fire(given_currents, neurons, Coding.RATE, steps).numpy()
    for image, channel, place in np.ndindex(2, 3, 2):
        train = currents[:, image, channel, place].tolist()
        train = train * steps if constant else train
        own = threshold[channel], start[channel], shift[channel]
        expected = np.array(spikes_one_by_one(train, *own)) * threshold[channel]
        np.testing.assert_allclose(fired[:, image, channel, place], expected)
    mean = mean_output(given_currents, neurons, Coding.RATE, steps).numpy()
    np.testing.assert_allclose(mean, fired.mean(axis=0), atol=1e-12)


def test_radix_firing_by_hand() -> None:
    # T = 2: three levels of 2; v(0) is half of a level.
    neurons = Neurons(torch.tensor([6.0]), torch.tensor([0.5]), torch.tensor([0.25]))
    currents = torch.tensor([-5.0, 0.5, 0.8, 2.7, 2.8, 100.0]).reshape(1, -1, 1)
    values = fire(currents, neurons, Coding.RADIX, 2)
    assert values.flatten().tolist() == [0, 0, 2, 2, 4, 6]


def test_segments_give_the_currents_of_the_snn(subject: tuple) -> None:
    graph, batches, thresholds = subject
    steps = 5
    snn = FloatSnn(graph=graph, thresholds=thresholds, steps=steps)
    expected = snn(batches[0])
    trains = {graph.operations[0].name: batches[0][None]}
    for operation in graph.neurons:
        segment = segment_of(graph, operation.inputs[0])
        values = {name: trains[name] for name in segment.sources}
        currents = run_segment(segment, values, cumulative=True)
        level = thresholds[operation.name]
        neurons = Neurons(level, torch.full_like(level, 0.5), torch.zeros_like(level))
        trains[operation.name] = fire(currents, neurons, Coding.RATE, steps)
    last = segment_of(graph, graph.outputs["out"])
    currents = run_segment(last, {n: trains[n] for n in last.sources}, cumulative=True)
    torch.testing.assert_close(currents.mean(dim=0), expected, rtol=1e-4, atol=1e-4)


def test_least_squares_against_augmented_rows() -> None:
    generator = np.random.default_rng(1)
    inputs, noise = generator.normal(size=(200, 6)) + 0.5, generator.normal(size=(200, 2))
    wanted = inputs @ generator.normal(size=(6, 2)) + noise
    ridge = 0.3
    strength = np.sqrt(ridge * np.mean(inputs**2) * len(inputs))
    rows = np.hstack([inputs, np.ones((200, 1))])
    extra = np.hstack([strength * np.eye(6), np.zeros((6, 1))])
    expected, *_ = np.linalg.lstsq(
        np.vstack([rows, extra]), np.vstack([wanted, np.zeros((6, 2))]), rcond=None
    )
    fit = KernelFit(torch.from_numpy(inputs), torch.ones(200).double(), 10, ridge)
    weight, bias = fit.change(torch.from_numpy(wanted))
    np.testing.assert_allclose(weight.numpy(), expected[:6].T, atol=1e-4)
    np.testing.assert_allclose(bias.numpy(), expected[6], atol=1e-4)


@pytest.mark.parametrize("bits", [3, 4])
def test_rounding_with_feedback_beats_nearest_rounding(bits: int) -> None:
    generator = torch.Generator().manual_seed(2)
    mixing = torch.randn(24, 24, generator=generator, dtype=torch.float64)
    inputs = torch.randn(500, 24, generator=generator, dtype=torch.float64) @ mixing
    weight = torch.randn(6, 24, generator=generator, dtype=torch.float64)
    worth = torch.rand(24, generator=generator, dtype=torch.float64) + 0.5
    rounded, scale = rounded_weights(weight, worth, inputs, bits, per_channel=True)
    integers = (rounded * worth / scale[:, None]).numpy()
    np.testing.assert_allclose(integers, np.rint(integers), atol=1e-9)
    integers = np.rint(integers)
    assert -(2 ** (bits - 1)) <= integers.min() and integers.max() <= 2 ** (bits - 1) - 1
    real = weight * worth
    best = torch.full((6,), torch.inf, dtype=torch.float64)
    for part in np.linspace(0.4, 1.0, 31):
        step = real.abs().amax(1, keepdim=True) * part / (2 ** (bits - 1) - 1)
        nearest = (real / step).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * step
        best = torch.minimum(best, ((nearest - real) / worth @ inputs.T).square().mean(1))
    error = ((rounded - weight) @ inputs.T).square().mean(1)
    assert float(error.sum()) < 0.8 * float(best.sum())


@pytest.mark.parametrize(("coding", "steps"), [(Coding.RATE, 4), (Coding.RADIX, 2)])
@pytest.mark.parametrize(
    "calibration",
    [
        Calibration(thresholds=False, initial=False),
        Calibration(bias=0, initial=False),
        Calibration(weights=2),
    ],
    ids=["lcp", "search", "all"],
)
def test_outputs_come_closer_to_the_model_on_other_images(
    subject: tuple, coding: Coding, steps: int, calibration: Calibration
) -> None:
    # Few steps: with more of them there is little left to gain, and no method promises a gain.
    graph, batches, thresholds = subject
    found = calibrate(graph, batches, thresholds, coding=coding, steps=steps, settings=calibration)
    other = torch.randn(100, 3, 8, 8, generator=torch.Generator().manual_seed(9))
    expected = analog_forward(graph, other)

    def error(**network: object) -> float:
        snn = FloatSnn(coding=coding, steps=steps, **network)
        return float((snn(other) - expected).square().mean())

    before = error(graph=graph, thresholds=thresholds)
    after = error(graph=found.graph, thresholds=found.thresholds, initial=found.initial)
    assert after < before
    if not calibration.thresholds:
        assert all(torch.equal(found.thresholds[n], thresholds[n]) for n in thresholds)


def test_errors_count_by_weight() -> None:
    generator = np.random.default_rng(5)
    inputs, noise = generator.normal(size=(300, 4)), generator.normal(size=(300, 2))
    wanted = inputs @ generator.normal(size=(4, 2)) + noise
    weights = generator.uniform(0.1, 3, size=300)
    root = np.sqrt(weights)[:, None]
    rows = np.hstack([inputs, np.ones((300, 1))])
    expected, *_ = np.linalg.lstsq(rows * root, wanted * root, rcond=None)
    fit = KernelFit(torch.from_numpy(inputs), torch.from_numpy(weights), 3, 1e-9)
    weight, bias = fit.change(torch.from_numpy(wanted))
    np.testing.assert_allclose(weight.numpy(), expected[:4].T, atol=1e-4)
    np.testing.assert_allclose(bias.numpy(), expected[4], atol=1e-4)


def test_a_grouped_kernel_is_as_many_problems_as_it_has_groups() -> None:
    generator = torch.Generator().manual_seed(7)
    inputs = torch.rand(120, 3 * 4, generator=generator, dtype=torch.float64)
    wanted = torch.randn(120, 3 * 2, generator=generator, dtype=torch.float64)
    weight = torch.randn(3 * 2, 4, generator=generator, dtype=torch.float64)
    worth = torch.rand(3 * 4, generator=generator, dtype=torch.float64) + 0.5
    wanted += 3 * torch.cat(
        [inputs[:, 4 * g : 4 * g + 4] @ weight[2 * g : 2 * g + 2].T for g in range(3)], 1
    )
    weights = torch.rand(120, generator=generator, dtype=torch.float64) + 0.5
    changes = KernelFit(inputs, weights, 2, 0.1, groups=3).change(wanted)
    rounded = rounded_weights(weight, worth, inputs, 4, per_channel=True, groups=3)
    for group in range(3):
        seen, own = slice(4 * group, 4 * group + 4), slice(2 * group, 2 * group + 2)
        alone = KernelFit(inputs[:, seen], weights, 2, 0.1).change(wanted[:, own])
        for part, expected in zip(changes, alone, strict=True):
            torch.testing.assert_close(part[own], expected)
        alone = rounded_weights(weight[own], worth[seen], inputs[:, seen], 4, per_channel=True)
        for part, expected in zip(rounded, alone, strict=True):
            torch.testing.assert_close(part[own], expected)


def test_a_change_has_to_hold_on_other_images() -> None:
    generator = torch.Generator().manual_seed(4)
    inputs = torch.randn(60, 25, generator=generator, dtype=torch.float64)
    noise = torch.randn(60, 3, generator=generator, dtype=torch.float64)
    ones = torch.ones(60).double()
    fit = KernelFit(inputs, ones, 1, 1e-3)
    assert fit.change(noise) is None and fit.ridge is None
    weight = torch.randn(3, 25, generator=generator, dtype=torch.float64)
    fit = KernelFit(inputs, ones, 1)
    change = fit.change(inputs @ weight.T + 2)
    assert fit.ridge == min(RIDGES)
    torch.testing.assert_close(change[0], weight, atol=0.2, rtol=0)


def test_the_ridge_is_the_best_on_images_left_aside() -> None:
    generator = np.random.default_rng(6)
    inputs = generator.normal(size=(80, 20)) * generator.uniform(0.2, 2, size=20)
    wanted = inputs @ generator.normal(size=(20, 3)) * 0.2 + generator.normal(size=(80, 3))
    fit = KernelFit(torch.from_numpy(inputs), torch.ones(80).double(), 2)
    fit.change(torch.from_numpy(wanted))
    aside = np.arange(80) // 2 % 4 == 3
    rows = np.hstack([inputs, np.ones((80, 1))])
    errors = {}
    for ridge in RIDGES:
        strength = np.sqrt(ridge * np.mean(inputs[~aside] ** 2) * (~aside).sum())
        extra = np.hstack([strength * np.eye(20), np.zeros((20, 1))])
        found, *_ = np.linalg.lstsq(
            np.vstack([rows[~aside], extra]),
            np.vstack([wanted[~aside], np.zeros((20, 3))]),
            rcond=None,
        )
        errors[ridge] = np.sum((rows[aside] @ found - wanted[aside]) ** 2)
    assert fit.ridge == min(errors, key=errors.get)


def test_shift_makes_the_means_equal(subject: tuple) -> None:
    graph, batches, thresholds = subject
    settings_ = Calibration(thresholds=False, initial=False, bias=8, samples=10**6)
    found = calibrate(graph, batches, thresholds, coding=Coding.RATE, steps=8, settings=settings_)
    images = torch.cat(batches)
    snn = FloatSnn(graph=found.graph, thresholds=found.thresholds, steps=8, initial=found.initial)
    difference = (snn(images) - analog_forward(graph, images)).mean(0).abs().max()
    plain = FloatSnn(graph=graph, thresholds=thresholds, steps=8)
    before = (plain(images) - analog_forward(graph, images)).mean(0).abs().max()
    assert float(difference) < 1e-3 < float(before)


@pytest.mark.parametrize(("coding", "steps"), [(Coding.RATE, 9), (Coding.RADIX, 4)])
def test_calibrated_network_is_lowered_as_it_is(coding: Coding, steps: int) -> None:
    torch.manual_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (60, 3, 8, 8), dtype=np.uint8)
    calibration = Calibration(weights=1)
    options = Options(
        coding=coding, steps=steps, calibration=calibration, iterations=200, only_if_better=False
    )
    conversion = convert(Residual(), images, mean=[0.5], std=[0.25], options=options)
    scores = run_golden(conversion.network, images).outputs
    found = torch.from_numpy(conversion.lowered.real_outputs(scores)["out"])
    pixels = (torch.from_numpy(images).float() / 255 - 0.5) / 0.25
    expected = conversion.snn(pixels).double()
    # A spike more or less where rounding decides; without the shifts or v(0) it is far more.
    assert float((found - expected).norm() / expected.norm()) < 0.1


def test_rounded_weights_survive_lowering() -> None:
    torch.manual_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (60, 3, 8, 8), dtype=np.uint8)
    options = Options(
        coding=Coding.RADIX,
        steps=6,
        calibration=Calibration(),
        weight_bits=4,
        iterations=200,
        only_if_better=False,
    )
    conversion = convert(Residual(), images, mean=[0.5], std=[0.25], options=options)
    layer, calibrated = conversion.network.layers[1], conversion.calibrated
    kernel = layer.connections[0]
    assert kernel.weight_bits == 4
    scale = calibrated.scales[layer.name].numpy()[:, None, None, None]
    spike = calibrated.thresholds[conversion.network.layers[0].name].numpy() / (2**6 - 1)
    weight = calibrated.graph.by_name["second"].arguments["weight"].numpy()
    expected = weight * spike[:, None, None] / scale
    np.testing.assert_allclose(kernel.weight, expected, atol=1e-4)


def test_the_same_seed_gives_the_same(subject: tuple) -> None:
    graph, batches, thresholds = subject
    settings_ = Calibration(samples=100)
    results = [
        calibrate(
            graph, batches, thresholds, coding=Coding.RATE, steps=4, settings=settings_, seed=seed
        )
        for seed in (3, 3, 4)
    ]
    name = layer_names(graph)[0]
    assert torch.equal(results[0].thresholds[name], results[1].thresholds[name])
    assert not torch.equal(results[0].thresholds[name], results[2].thresholds[name])


def test_bad_settings_are_refused(subject: tuple) -> None:
    graph, batches, thresholds = subject
    with pytest.raises(RheobaseError, match="calibration: bias is -1, must be"):
        calibrate(
            graph, batches, thresholds, coding=Coding.RATE, steps=4, settings=Calibration(bias=-1)
        )
