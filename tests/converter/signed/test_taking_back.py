"""ReLU neurons that take spikes back, against the rule said by what all that came asks for."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import rheobase
from rheobase.converter.calibrate.calibration import Calibration
from rheobase.converter.graph.levels import Levels
from rheobase.converter.lower.constant_channels import held_scales
from rheobase.converter.recipes import RECIPES, with_recipe
from rheobase.converter.snn.firing import Neurons, fire, mean_output
from rheobase.converter.snn.float_file import load_float_snn, save_float_snn
from rheobase.converter.snn.sized import SizedSnn
from rheobase.converter.summary import summary_lines
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import Coding
from tests.support.models.small_models import calibration_images, residual

STEPS = 6
PLAIN = {"coding": "rate", "steps": STEPS, "only_if_better": False}


@cache
def converted(**options) -> rheobase.Conversion:
    images = calibration_images(24, (2, 8, 8))
    return rheobase.convert(
        residual(), images, mean=0.5, std=0.25, options=rheobase.Options(**PLAIN, **options)
    )


def led(potentials: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """Spikes by step: the net count goes towards what the potential asks for, never below zero.

    Args:
        potentials: (steps, ...): v(0) and all that came until each step.
    """
    count, found = np.zeros_like(potentials[0]), []
    for potential in potentials:
        wanted = np.maximum(potential // threshold, 0)
        found.append(np.sign(wanted - count))
        count = count + found[-1]
    return np.stack(found)


@given(
    st.lists(st.integers(-90, 60), min_size=1, max_size=9),
    st.integers(1, 30),
    st.integers(-10, 40),
)
def test_a_float_neuron_leads_its_count_to_what_came(currents, threshold, start):
    potentials = start + np.cumsum(np.array(currents))
    expected = led(potentials[:, None], np.array([threshold]))[:, 0]
    values = (threshold, start / threshold, 0.0)
    parameters = Neurons(
        *(torch.tensor([value], dtype=torch.float64) for value in values), takes_back=True
    )
    flow = torch.tensor(currents, dtype=torch.float64).reshape(-1, 1, 1)
    fired = fire(flow, parameters, Coding.RATE, len(currents))
    # One division by three may round: only potentials between two thresholds are compared.
    if all(potential % threshold for potential in potentials):
        assert [round(float(value) / threshold) for value in fired] == list(expected)
        mean = mean_output(flow, parameters, Coding.RATE, len(currents))
        assert float(mean) == pytest.approx(sum(expected) * threshold / len(currents))


@given(
    st.lists(st.integers(-30, 30), min_size=1, max_size=9),
    st.integers(2, 12),
    st.integers(0, 12),
    st.integers(1, 6),
)
def test_a_count_that_has_settled_is_what_the_mean_asks_for(currents, threshold, start, repeats):
    """Each current is followed by steps without any, in which the count gets where it is led."""
    potentials = start + 0.5 + np.cumsum(np.repeat(np.array(currents), repeats))
    steps = len(potentials) + 40
    still = np.concatenate([potentials, np.repeat(potentials[-1:], 40)])
    count = led(still[:, None], np.array([threshold])).sum()
    values = (threshold, (start + 0.5) / threshold, 0.0)
    parameters = Neurons(
        *(torch.tensor([value], dtype=torch.float64) for value in values), takes_back=True
    )
    mean = torch.tensor([(still[-1] - start - 0.5) / steps], dtype=torch.float64)
    found = mean_output(mean.reshape(1, 1, 1), parameters, Coding.RATE, steps, settled=True)
    if abs(count) < 40:
        assert round(float(found) * steps / threshold) == count


@pytest.mark.parametrize("recipe", ["cltb", None])
def test_the_integer_network_takes_back_and_owes_nothing(recipe):
    made = converted(take_back=True, method=recipe)
    images = calibration_images(6, (2, 8, 8))
    records = rheobase.run_golden(made.network, images, record=True).layers
    taken = 0
    for layer, record in zip(made.network.layers, records, strict=True):
        sees_image = all(connection.source < 0 for connection in layer.connections)
        assert layer.signed == (layer.threshold is not None and not sees_image)
        if not layer.signed:
            continue
        start = layer.initial_potential.reshape(-1, 1, 1)
        potentials = np.moveaxis(start + np.cumsum(record.currents, axis=1), 1, 0)
        expected = led(potentials, layer.threshold.reshape(-1, 1, 1))
        np.testing.assert_array_equal(np.moveaxis(record.spikes, 1, 0), expected)
        assert potentials.min() >= layer.neurons.silent_from.min()
        taken += int((record.spikes < 0).sum())
    assert taken > 0
    assert "neurons that take spikes back: in 2 of 3 layers" in summary_lines(made)


def test_it_is_nearer_to_the_model_and_the_networks_agree():
    images = calibration_images(24, (2, 8, 8))
    pixels = (torch.from_numpy(images) / 255 - 0.5) / 0.25
    with torch.no_grad():
        expected = residual()(pixels).numpy()
    errors = []
    for take_back in (False, True):
        made = converted(method="cltb", take_back=take_back, delayed=True)
        assert (made.snn.delay == 0) == take_back
        found = made.lowered.real_outputs(rheobase.run_golden(made, images).outputs)["out"]
        errors.append(np.linalg.norm(found - expected))
        with torch.no_grad():
            of_snn = np.linalg.norm(made.snn(pixels).numpy() - found)
        assert of_snn < 0.5 * errors[0]
    assert errors[1] < 0.8 * errors[0]


def test_a_count_readout_and_the_first_layer_stay_as_they_are():
    made = converted(method="cltb", take_back=True, readout="count")
    assert [layer.signed for layer in made.network.layers] == [False, True, True, False]


def test_calibration_fits_the_spikes_that_there_are():
    settings = Calibration(weights=1, ridge=None)
    found = converted(calibration=settings, take_back=True).calibrated
    plain = converted(calibration=settings).calibrated
    last = list(found.errors)[-1]
    assert 0 < found.errors[last] < plain.errors[last]


def test_many_steps_are_fitted_to_where_counts_end():
    """Near the model where steps are enough to get there; the published neuron is never so."""
    images = calibration_images(24, (2, 8, 8))
    pixels = (torch.from_numpy(images) / 255 - 0.5) / 0.25
    with torch.no_grad():
        expected = residual()(pixels)
    settings = Calibration(weights=1, ridge=None, bias=3)
    errors = []
    for settled in (False, True):
        made = rheobase.convert(
            residual(),
            images,
            mean=0.5,
            std=0.25,
            options=rheobase.Options(
                **{**PLAIN, "steps": 32},
                calibration=replace(settings, settled=settled),
                take_back=True,
            ),
        )
        with torch.no_grad():
            errors.append(float((made.snn(pixels) - expected).norm() / expected.norm()))
    assert max(errors) < 0.03
    plain = converted(calibration=settings).calibrated
    asked = converted(calibration=replace(settings, settled=True)).calibrated
    assert plain.errors == asked.errors


def test_a_channel_is_constant_where_both_ends_give_the_same_spikes():
    """Weights of 1e-10 beside a threshold of one; the bias alone says what is fired."""
    scale, level = np.full(3, 1e-10), np.ones(3)
    bias = np.array([0.25, -3.0, 2.0])
    held = held_scales(
        scale, bias, level, 0.3, list, repeats=4, levels=Levels(1, 0, 1), takes_back=True
    )
    assert held.constant.all()


def test_a_file_brings_it_back(tmp_path: Path):
    made = converted(method="cltb", take_back=True)
    path = tmp_path / "snn.safetensors"
    save_float_snn(made.snn, made.graph, path)
    again = load_float_snn(path, residual())
    batch = torch.randn(3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(again(batch), made.snn(batch), rtol=0, atol=0)
    resized = SizedSnn(residual(), again).at((2, 12, 12)).graph.neurons
    assert [o.arguments["takes_back"] for o in resized] == [False, True, True]


@pytest.mark.parametrize(
    ("given", "taking"),
    [
        ({}, True),
        ({"readout": "count"}, True),
        ({"take_back": False}, False),
        ({"rule": "step"}, False),
        ({"method": "cltb"}, False),
        ({"calibration": Calibration()}, False),
        ({"coding": "radix", "steps": 4}, False),
    ],
)
def test_they_are_the_default_in_rate_and_the_published_ones_are_a_word_away(given, taking):
    made = rheobase.convert(
        residual(),
        calibration_images(24, (2, 8, 8)),
        mean=0.5,
        std=0.25,
        options=rheobase.Options(**{"steps": STEPS, **given}),
    )
    # The first layer sees the image alone.
    assert [layer.signed for layer in made.network.layers[:3]] == [False, taking, taking]


@pytest.mark.parametrize("name", sorted(set(RECIPES) - {"best"}))
def test_other_recipes_keep_the_published_neuron(name):
    assert not with_recipe(rheobase.Options(), name).take_back
    asked = rheobase.Options(take_back=True)
    assert with_recipe(asked, "cltb").take_back and with_recipe(asked, "best").take_back


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        ({"steps": 32}, True),
        ({"steps": 31}, False),
        ({"steps": 32, "readout": "count"}, False),
        ({"steps": 32, "take_back": False}, False),
        ({"steps": 32, "rule": "step"}, False),
    ],
)
def test_many_steps_are_fitted_as_settled_where_all_neurons_follow(given, settled):
    made = with_recipe(rheobase.Options(**given), "best").calibration
    assert made.settled == settled and (made.passes == float("inf")) == settled


CONVERT = (
    *("convert", "models.py:residual", "--images", "images.npy", "--mean", "0.5,0.5"),
    *("--std", "0.25,0.25", "-T", "4", "--count", "0", "-o", "net.safetensors"),
)


def test_the_command_line_says_which(tmp_path, monkeypatch, run_command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.py").write_text("from tests.support.models.small_models import residual\n")
    np.save(tmp_path / "images.npy", calibration_images(24, (2, 8, 8)))
    for options, taking in ((), True), (("--no-take-back",), False):
        status, _, error = run_command(*CONVERT, *options)
        assert status == 0, error
        network = rheobase.load_network(tmp_path / "net.safetensors")
        assert any(layer.signed for layer in network.layers) == taking


@pytest.mark.parametrize("given", [{"coding": "radix", "steps": 4}, {"rule": "step"}])
def test_what_cannot_be_is_refused(given):
    with pytest.raises(RheobaseError, match=r"take back: .* must be in rate"):
        rheobase.convert(
            residual(),
            calibration_images(2, (2, 8, 8)),
            mean=0.5,
            std=0.25,
            options=rheobase.Options(take_back=True, **given),
        )
