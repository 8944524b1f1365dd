"""What was fitted is kept where the whole network is better with it, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter import Options, convert
from rheobase.converter.calibrate.calibration import Calibration, used_images
from rheobase.converter.calibrate.keeping import held_back, unexplained
from rheobase.converter.data.pixels import normalised
from rheobase.converter.recipes import with_recipe
from rheobase.golden import Coding, run_golden

MEAN, STD = [0.5], [0.25]


def pooling_network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(48, 6),
    ).eval()


def pictures(count: int) -> np.ndarray:
    """Blobs: neighbouring pixels are alike, as in real images."""
    rng = np.random.default_rng(4)
    coarse = rng.integers(0, 256, (count, 1, 4, 4)).astype(np.float64)
    fine = coarse.repeat(2, axis=2).repeat(2, axis=3)
    return np.clip(fine + rng.normal(0, 20, fine.shape), 0, 255).astype(np.uint8)


def model_outputs(model: nn.Module, images: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return model(normalised(images, MEAN, STD)).numpy().astype(np.float64)


def correlation_lost(found: np.ndarray, wanted: np.ndarray) -> float:
    """1 - r**2 by NumPy, of outputs without each image's mean."""
    first, second = (values - values.mean(axis=1, keepdims=True) for values in (found, wanted))
    r = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    return 1 - max(r, 0) ** 2


def test_unexplained_is_one_less_r_squared() -> None:
    rng = np.random.default_rng(0)
    wanted = rng.normal(size=(40, 7))
    found = 300 * (wanted + rng.normal(0, 0.4, wanted.shape)) + rng.normal(0, 99, (40, 1))
    value = unexplained(torch.from_numpy(found)[..., None], torch.from_numpy(wanted)[..., None])
    assert value == pytest.approx(correlation_lost(found, wanted), rel=1e-9)
    assert unexplained(torch.from_numpy(-found), torch.from_numpy(wanted)) == 1.0
    assert unexplained(torch.zeros(4, 3, 1), torch.ones(4, 3, 1)) == 1.0
    # One channel: over the images.
    line = torch.arange(5.0).reshape(5, 1, 1)
    assert unexplained(3 * line + 2, line) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("images", "used", "steps", "held"),
    [
        *((19, 512, 1, 0), (20, 512, 1, 4), (300, 512, 1, 60), (1000, 800, 1, 100)),
        *((1000, 2000, 1, 100), (60, 30, 1, 30), (300, 225, 8, 75), (2000, 750, 16, 50)),
        # Two networks and 32 steps, within three passes over the images: 11 * 2 * 32 <= 750.
        *((250, 46, 32, 11), (250, 250, 32, 11), (2000, 2000, 32, 25), (40, 32, 64, 4)),
    ],
)
def test_images_held_back(images: int, used: int, steps: int, held: int) -> None:
    assert held_back(images, used, steps) == held


@pytest.mark.parametrize("coding", list(Coding))
@pytest.mark.parametrize("bits", [2, 3])
def test_best_is_no_worse_than_no_recipe_at_few_bits(coding: Coding, bits: int) -> None:
    """With max pooling too: weights are rounded before thresholds are fitted to them."""
    model, images = pooling_network(), pictures(300)
    options = Options(coding=coding, steps=3 if coding == Coding.RADIX else 8, weight_bits=bits)
    wanted = model_outputs(model, images)
    lost = []
    for chosen in (replace(options, method="cltb"), with_recipe(options, "best")):
        made = convert(model, images, mean=MEAN, std=STD, options=chosen)
        lost.append(correlation_lost(run_golden(made.network, images).scores, wanted))
    assert lost[1] <= 1.02 * lost[0]
    assert made.fit.held_back and made.fit.images == (60 if coding == Coding.RADIX else 75)
    passed = np.arange(len(images) + 1) * made.fit.images // len(images)
    held = np.diff(passed) == 1  # evenly, as a set may be sorted by class
    scores = run_golden(made.network, images[held]).scores
    found = made.fit.fitted if made.fit.kept else made.fit.plain
    assert found == pytest.approx(correlation_lost(scores, wanted[held]), rel=1e-6)
    assert found == min(made.fit.fitted, made.fit.plain)


def test_kernels_in_front_of_max_pooling_are_rounded_before_they_are_fitted() -> None:
    options = Options(weight_bits=3, calibration=Calibration(), only_if_better=False)
    made = convert(pooling_network(), pictures(40), mean=MEAN, std=STD, options=options)
    for layer in made.network.layers[:2]:
        scale = made.calibrated.scales[layer.name].numpy()
        (kernel,) = layer.connections
        operation = made.calibrated.graph.by_name[kernel_name(made.calibrated.graph, layer.name)]
        assert np.abs(kernel.weight).max() <= 4
        worth = unit_of_inputs(made, layer)
        real = operation.arguments["weight"].numpy() * worth[:, None, None]
        np.testing.assert_allclose(real / scale[:, None, None, None], kernel.weight, atol=1e-3)


def kernel_name(graph: object, neurons: str) -> str:
    """The convolution in front of a layer of neurons, through shifts and pooling."""
    name = neurons
    while graph.by_name[name].kind != "convolution":
        (name,) = graph.by_name[name].inputs
    return name


def unit_of_inputs(made: object, layer: object) -> np.ndarray:
    source = layer.connections[0].source
    if source < 0:
        return np.array([1 / (255 * STD[0])])
    name = made.network.layers[source].name
    return made.calibrated.thresholds[name].numpy()


def test_what_makes_the_network_worse_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thresholds that are spoilt: the network is the one without any calibration."""
    from rheobase.converter import conversion as module

    def spoilt(*arguments: object, **named: object) -> object:
        found = genuine(*arguments, **named)
        return replace(found, thresholds={n: 7 * v for n, v in found.thresholds.items()})

    genuine = module.calibrate
    monkeypatch.setattr(module, "calibrate", spoilt)
    model, images = pooling_network(), pictures(100)
    options = Options(coding=Coding.RADIX, steps=3)
    balanced = replace(options, method="cltb")
    plain = convert(model, images, mean=MEAN, std=STD, options=balanced)
    tried = convert(model, images, mean=MEAN, std=STD, options=options)
    assert not tried.fit.kept and tried.fit.plain < tried.fit.fitted
    assert tried.calibrated is None
    scores = [run_golden(made.network, images).scores for made in (plain, tried)]
    assert np.array_equal(*scores)


@pytest.mark.parametrize("given", [{}, {"iterations": 30}])
def test_what_is_done_by_default_is_the_best_recipe(given: dict[str, int]) -> None:
    model, images = pooling_network(), pictures(40)
    for options in (Options(steps=4, **given), Options(coding="radix", steps=3, **given)):
        made = [
            convert(model, images, mean=MEAN, std=STD, options=asked)
            for asked in (options, with_recipe(options, "best"))
        ]
        assert made[0].fit is not None
        assert made[0].fit == made[1].fit
        assert not convert(
            model, images, mean=MEAN, std=STD, options=replace(options, method="ltb")
        ).fit


@pytest.mark.parametrize(
    ("given", "coding", "steps", "used"),
    [(250, "rate", 32, 46), (250, "rate", 8, 187), (250, "radix", 4, 250), (40, "rate", 64, 32)],
)
def test_images_that_are_fitted_on(given: int, coding: str, steps: int, used: int) -> None:
    settings = Calibration(images=800, passes=6)
    assert used_images(settings, given, Coding(coding), steps) == used
    assert used_images(Calibration(images=800), given, Coding(coding), steps) == given


def test_layers_whose_weights_stay_are_named() -> None:
    answers = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
    ).eval()
    options = Options(calibration=Calibration(weights=1), only_if_better=False, lower=False)
    made = convert(answers, pictures(100), mean=MEAN, std=STD, options=options)
    last = made.snn.graph.neurons[-1].name
    assert "an answer" in made.calibrated.unchanged[last]
    level = made.thresholds[last]
    assert torch.equal(level, level[:1].expand_as(level))
