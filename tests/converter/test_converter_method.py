"""Balancing, delay, quantisation and lowering against other ways to compute them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase.converter.balancing import Balance, Method, balance
from rheobase.converter.blocks import Block, PoolShape, analog_forward, pooled_current
from rheobase.converter.conversion import Options, convert, default_iterations, normalised
from rheobase.converter.delay import choose_delay, first_output_spike
from rheobase.converter.quantise import quantisation_scale, quantised
from rheobase.golden import RheobaseError, simulate
from rheobase.golden.network import Coding, PoolRule, Readout
from torch import nn


def _blocks():
    generator = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    pool = PoolShape((2, 2), (2, 2), (0, 0))
    return (
        Block("conv", draw(4, 2, 3, 3), draw(4), padding=(1, 0, 1, 0), pool=pool),
        Block("fc1", draw(5, 4, 3, 2) / 3, draw(5), elementwise=True),
        Block("fc2", draw(3, 5, 1, 1), draw(3), fires=False, elementwise=True),
    )  # fmt: skip


def _images(count=50):
    return torch.randn(count, 2, 6, 6, generator=torch.Generator().manual_seed(5))


def test_channelwise_balancing_equals_eq_14_to_17():
    """The same updates, element by element in NumPy, layer after layer on clipped currents."""
    blocks, images = _blocks(), _images()
    found = balance(blocks, list(images.split(25)), iterations=6)
    thresholds = [np.zeros(len(block.bias)) for block in blocks]
    for batch in images.split(25):
        flow = batch.double()
        for index, block in enumerate(blocks):
            current = pooled_current(block, flow).numpy()
            for _ in range(3):
                for channel in range(current.shape[1]):
                    values = current if not block.fires else current[:, channel]
                    theta = thresholds[index][channel]
                    above = values > theta
                    delta = -np.sum(2 * (values[above] - theta))  # eq. 14
                    if block.fires:
                        thresholds[index][channel] -= delta / values.size  # eq. 15
                    elif channel == 0:
                        thresholds[index][:] -= delta / values.size
            flow = torch.from_numpy(
                np.clip(current, 0, thresholds[index][:, None, None])  # eq. 13
            )
    for one, other in zip(found.thresholds, thresholds, strict=True):
        # A channel that never is active has no threshold of its own.
        other = np.where(other > 0, other, other.max())
        np.testing.assert_allclose(one.numpy(), other, rtol=1e-4)
    assert len(set(found.thresholds[2].tolist())) == 1, "counts of the last layer are compared"


def test_layerwise_and_many_iterations_reach_the_maximum():
    """The minimiser of eq. 12 is the largest current: many steps come close from below."""
    block = _blocks()[:1]
    images = _images()
    largest = pooled_current(block[0].to("cpu", torch.float32), images).amax()
    few, many = (
        float(balance(block, [images], method=Method.LTB, iterations=k).thresholds[0][0])
        for k in (10, 20000)
    )
    assert few < many <= float(largest) * 1.001
    assert many > 0.97 * float(largest)


def test_robust_is_a_percentile():
    blocks, images = _blocks(), _images()
    found = balance(blocks, [images], method=Method.ROBUST, percentile=90)
    flow = images.double()
    for block, threshold in zip(blocks, found.thresholds, strict=True):
        flow = pooled_current(block, flow).relu()
        expected = np.quantile(flow.numpy(), 0.9)
        np.testing.assert_allclose(threshold.numpy(), max(expected, 0), rtol=1e-3)


def test_batch_size_hardly_matters():
    images = _images(400)
    one = balance(_blocks(), list(images.split(40)), iterations=60).thresholds
    other = balance(_blocks(), list(images.split(100)), iterations=60).thresholds
    for first, second in zip(one, other, strict=True):
        np.testing.assert_allclose(first.numpy(), second.numpy(), rtol=0.15)


def test_delay_by_hand():
    """Two hidden layers and the last: 0.5/0.5 + 1/0.25 + 3/2 = 6.5 steps."""
    balanced = Balance(
        thresholds=(torch.tensor([1.0, 4.0]), torch.tensor([2.0]), torch.tensor([6.0, 6.0])),
        mean_activations=(
            torch.tensor([[[0.1, 0.5]], [[0.4, 0.0]]]),
            torch.tensor([[[0.25]]]),
            torch.tensor([[[0.7]], [[0.2]]]),
        ),
        mean_winner=2.0,
    )
    assert first_output_spike(balanced) == pytest.approx(6.5)
    assert choose_delay(6.5, 32) == 6
    assert choose_delay(6.5, 10) == 6 == 10 - 4
    assert choose_delay(6.5, 8) == 4
    assert choose_delay(6.5, 3) == 0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(2, 8), st.integers(0, 10**6), st.booleans())
def test_scale_has_the_least_squared_error(bits, seed, per_channel):
    rng = np.random.default_rng(seed)
    weight = rng.standard_t(3, (3, 2, 3, 3))
    scale = quantisation_scale(weight, bits, per_channel=per_channel)

    def error(row, value):
        limit = 2 ** (bits - 1)
        levels = np.arange(-limit, limit) * value
        return (np.abs(row.reshape(-1, 1) - levels).min(axis=1) ** 2).sum()

    rows = list(weight) if per_channel else [weight]
    for row, value in zip(rows, scale, strict=False):
        full = np.abs(row).max() / (2 ** (bits - 1) - 1)
        best = min(error(row, full * part) for part in np.linspace(0.4, 1.0, 49))
        assert error(row, value) <= best * (1 + 1e-9)
    integers = quantised(weight, scale, bits)
    assert integers.min() >= -(2 ** (bits - 1)) and integers.max() < 2 ** (bits - 1)
    if not per_channel:
        assert len(set(scale.tolist())) == 1


def _model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 2 * 2, 4),
    ).eval()  # fmt: skip


def _pixels(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 8, 8)).astype(np.uint8)


@pytest.mark.parametrize("coding", Coding)
@pytest.mark.parametrize("readout", Readout)
@pytest.mark.parametrize("rule", PoolRule)
def test_integer_network_follows_the_float_snn(coding, readout, rule):
    """At 8 bits the scores are those of the float SNN, up to one scale for all classes."""
    steps = 24 if coding == Coding.RATE else 6
    options = Options(coding=coding, readout=readout, rule=rule, steps=steps, iterations=60)
    conversion = convert(_model(), _pixels(100), mean=[0.4], std=[0.3], options=options)
    images = _pixels(60, 1)
    scores = simulate(conversion.network, images).scores.astype(float)
    expected = conversion.snn(normalised(images, [0.4], [0.3])).numpy()
    correlation = np.corrcoef(scores.ravel(), expected.ravel())[0, 1]
    assert correlation > 0.985


@pytest.mark.parametrize("coding", Coding)
def test_many_steps_approach_the_model(coding):
    model, images = _model(), _pixels(40, 2)
    options = Options(coding=coding, steps=512 if coding == Coding.RATE else 9, iterations=5000)
    conversion = convert(model, images, mean=[0.5], std=[0.25], options=options)
    inputs = normalised(images, [0.5], [0.25])
    with torch.no_grad():
        expected = model(inputs)
    torch.testing.assert_close(
        analog_forward(conversion.blocks, inputs.double()).float(), expected, rtol=1e-4, atol=1e-4
    )
    error = (conversion.snn(inputs) - expected).norm() / expected.norm()
    assert error < 0.03
    scores = simulate(conversion.network, images).scores.astype(float)
    scale = (scores * expected.numpy()).sum() / np.square(scores).sum()
    assert np.linalg.norm(scores * scale - expected.numpy()) < 0.06 * float(expected.norm())


def test_zero_point_makes_padding_exact():
    """A mean that is a whole pixel: an image of that pixel has no input, padded or not."""
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(128, 2)
    ).eval()
    network = convert(model, _pixels(20), mean=[51 / 255], std=[1.0]).network
    assert network.zero_point.tolist() == [51]
    grey = np.full((1, 1, 8, 8), 51, np.uint8)
    currents = simulate(network, grey, record=True).layers[0].currents
    assert not currents.any()


def test_dead_channels_convert():
    model = _model()
    with torch.no_grad():
        model[0].weight[1] = 0
        model[0].bias[1] = -9
        model[4].weight[:, 2] = 0
    network = convert(model, _pixels(30), mean=[0.5], std=[0.5]).network
    record = simulate(network, _pixels(10, 3), record=True).layers[0]
    assert not record.spikes[:, :, 1].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(steps=0), r"T: 0, accepted is an integer in 1\.\.1024"),
        (Options(coding=Coding.RADIX, steps=17), r"T: 17, accepted is an integer in 1\.\.16"),
        (Options(steps=4, delay=4), r"t0: 4, accepted is an integer in 0\.\.3"),
        (Options(weight_bits=1), "weight bits: 1"),
        (Options(iterations=0), r"iterations \(K\): 0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(RheobaseError, match=message):
        convert(_model(), _pixels(4), mean=[0.5], std=[0.5], options=options)


def test_default_iterations_grow_with_the_levels():
    levels = [default_iterations(Options(steps=t)) for t in (4, 8, 16, 32, 128)]
    assert levels == [48, 48, 48, 96, 200]
    assert default_iterations(Options(coding=Coding.RADIX, steps=5)) == 93
