"""The recipe ``paper`` against Algorithms 1 and 2 written in NumPy, line by line."""

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.options import Options
from rheobase.converter.recipes import with_recipe
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.thresholds import published
from rheobase.converter.thresholds.balancing import Method, balance
from rheobase.converter.tracing.qcfs import Qcfs
from rheobase.converter.tracing.trace import trace
from rheobase.golden.network.network import PoolRule, Readout

STEPS, K = 24, 40


def _model():
    """Convolution, max pooling, two linear layers."""
    torch.manual_seed(11)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 8),
        nn.ReLU(),
        nn.Linear(8, 3),
    ).eval()


def _pixels(count):
    return np.random.default_rng(2).integers(0, 256, (count, 2, 6, 6)).astype(np.uint8)


class Paper:
    """w^l x^(l-1) of the layers of ``_model``, pooled, and Algorithms 1 and 2 on them."""

    def __init__(self, model, last_fires):
        self.kernels = [p.detach().numpy().astype(np.float64) for p in model.parameters()]
        self.last_fires = last_fires
        self.layers = 3 if last_fires else 2
        self.theta = [np.zeros(4), np.zeros(8), np.zeros(1)][: self.layers]

    def current(self, layer, x):
        weight, bias = self.kernels[2 * layer : 2 * layer + 2]
        if layer:
            return x.reshape(len(x), -1) @ weight.T + bias
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
        z = np.einsum("nirckl,oikl->norc", windows, weight) + bias[:, None, None]
        # Max pooling in front of the neurons, section 4.3.
        return z.reshape(len(x), 4, 3, 2, 3, 2).max((3, 5))

    def level(self, layer):
        """theta so that it stands beside the layer's current."""
        return self.theta[layer][:, None, None] if layer == 0 else self.theta[layer]

    def algorithm_1(self, images, iterations):
        for _ in range(iterations):
            x = images
            for layer in range(self.layers):
                z = self.current(layer, x)
                x = np.clip(z, 0, self.level(layer))
                axes = {0: (0, 2, 3), 1: (0,), 2: (0, 1)}[layer]
                above = z > self.level(layer)
                delta = -np.sum(2 * (z - self.level(layer)) * above, axes)
                size = z.size // len(self.theta[layer])
                self.theta[layer] = self.theta[layer] - delta / size
        x, time = images, 0.0
        for layer in range(self.layers):
            z = self.current(layer, x)
            # Thresholds absorbed into the kernels (section 4.4): every threshold is 1, v(0) 1/2.
            time += 0.5 / np.max(np.maximum(z / self.level(layer), 0).mean(0))
            x = np.clip(z, 0, self.level(layer))
        return time

    def algorithm_2(self, images, steps, delay):
        delay = min(delay, steps - 4)
        total, potentials = 0.0, [self.level(layer) / 2 for layer in range(self.layers)]
        for step in range(1, steps + 1):
            x = images
            for layer in range(3):
                z = self.current(layer, x)
                if layer < self.layers:
                    potential = potentials[layer] + z
                    spikes = potential >= self.level(layer)
                    x = spikes * self.level(layer)
                    potentials[layer] = potential - x
                else:
                    x = z
            if step > delay:
                total = total + x
        return total / (steps - delay)


@pytest.mark.parametrize("readout", list(Readout))
@pytest.mark.parametrize("steps", [STEPS, 5])
def test_the_recipe_is_algorithms_1_and_2(readout, steps):
    """All 60 images are drawn in every step, so the draws are the same ones."""
    model, pixels = _model(), _pixels(60)
    given = Options(steps=steps, readout=readout, iterations=K, lower=False)
    made = convert(model, pixels, mean=0.5, std=0.5, options=with_recipe(given, "paper"))

    paper = Paper(model, readout == Readout.COUNT)
    images = (pixels / 255 - 0.5) / 0.5
    time = paper.algorithm_1(images, K)
    for name, theta in zip(("1", "5", "6:readout"), paper.theta, strict=False):
        found = made.balance.thresholds[name].numpy()
        np.testing.assert_allclose(found, np.broadcast_to(theta, found.shape), rtol=1e-4)
    assert made.balance.iterations == K
    assert 1 < time < STEPS - 4, "eq. 19 decides at T = 24, T - 4 at T = 5"
    delay = int(time) if steps == STEPS else 1
    assert made.snn.delay == delay
    wanted = paper.algorithm_2(images, steps, delay)
    scores = made.snn(torch.from_numpy(images.astype(np.float32))).numpy()
    # A potential within float32's error of its threshold may fire a step later.
    assert np.mean(np.abs(scores - wanted) < 1e-3) > 0.97


def test_the_recipe_sets_what_the_paper_sets_and_no_more():
    made = with_recipe(Options(steps=32), "paper")
    assert (made.method, made.iterations, made.rule) == (Method.PAPER, 1000, PoolRule.STEP)
    assert made.calibration is None and made.weight_budget is None and made.delayed
    assert made.readout == Readout.CURRENT and made.learning_rate == 1.0


def test_images_are_drawn_anew_each_step(monkeypatch):
    graph = prepared(trace(_model(), (2, 6, 6)))
    images = torch.randn(250, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    seen, run = [], published.run_graph

    def watched(graph, batch, at_neuron):
        seen.append(sorted(float(image[0, 0, 0]) for image in batch))
        return run(graph, batch, at_neuron)

    monkeypatch.setattr(published, "run_graph", watched)
    done = []
    batches = list(images.split(70))
    first = balance(graph, batches, method=Method.PAPER, iterations=6, progress=done.append)
    assert sum(done) == 250 and len(done) == 6
    every = {float(image[0, 0, 0]) for image in images}
    assert len(seen) == 7, "K steps, and one for eq. 19"
    assert all(len(set(drawn)) == 100 and every.issuperset(drawn) for drawn in seen)
    assert len({tuple(drawn) for drawn in seen}) == 7
    again = balance(graph, [images], method=Method.PAPER, iterations=6)
    for name, threshold in first.thresholds.items():
        torch.testing.assert_close(again.thresholds[name], threshold)


def test_caps_levels_and_silent_channels():
    """ReLU6 stays below 6, QCFS keeps its own, a silent channel its layer's largest."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU6(), nn.Conv2d(3, 3, 1), Qcfs(4, 0.7))
    model.append(nn.Conv2d(3, 2, 1))
    with torch.no_grad():
        model[0].weight.mul_(90)
        model[0].bias.copy_(torch.tensor([9.0, 9.0, -1e4]))
    images = torch.randn(40, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    graph = prepared(trace(model.eval(), (2, 4, 4)))
    found = balance(graph, [images], method=Method.PAPER, iterations=60).thresholds
    assert found["1"].max() == 6 and found["1"][2] == found["1"].max()
    assert found["3"].tolist() == pytest.approx([0.7] * 3)
