"""Parameters on the grid of rounded weights, against the integers that lowering writes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rheobase.converter.calibrate.calibration import Calibration
from rheobase.converter.calibrate.integer_grid import IntegerGrid
from rheobase.converter.conversion import Conversion, convert
from rheobase.converter.options import Options
from rheobase.converter.snn.firing import Neurons
from rheobase.golden.network.network import Coding


class Block(nn.Module):
    """A residual block behind a convolution, so that an identity meets rounded weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.third = nn.Conv2d(6, 6, 3, padding=1)
        self.linear = nn.Linear(6 * 36, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        x = (x + self.third(self.second(x).relu())).relu()
        return self.linear(x.flatten(1))


@pytest.fixture(
    scope="module", params=[(Coding.RATE, 16), (Coding.RADIX, 4)], ids=["rate", "radix"]
)
def conversion(request: pytest.FixtureRequest) -> Conversion:
    coding, steps = request.param
    torch.manual_seed(1)
    images = np.random.default_rng(1).integers(0, 256, (50, 2, 6, 6), dtype=np.uint8)
    options = Options(
        coding=coding,
        steps=steps,
        weight_bits=3,
        iterations=100,
        calibration=Calibration(samples=512),
        only_if_better=False,
    )
    return convert(Block(), images, mean=[0.4], std=[0.3], options=options)


def layers(conversion: Conversion) -> list[tuple]:
    return [layer for layer in conversion.network.layers if layer.threshold is not None]


def test_thresholds_need_no_more_rounding(conversion: Conversion) -> None:
    radix = conversion.network.coding == Coding.RADIX
    levels = 2**conversion.network.steps - 1 if radix else 1
    for layer in layers(conversion):
        unit = conversion.calibrated.scales[layer.name].double().numpy()
        real = conversion.calibrated.thresholds[layer.name].double().numpy() / levels / unit
        np.testing.assert_allclose(real, layer.threshold, rtol=1e-5)


def test_an_identity_is_a_whole_number_of_units(conversion: Conversion) -> None:
    layer = layers(conversion)[2]
    (identity,) = [c for c in layer.connections if c.weight.shape[2:] == (1, 1)]
    unit = conversion.calibrated.scales[layer.name].double().numpy()
    first = conversion.lowered.layers[identity.source]
    np.testing.assert_allclose(first.spike / unit, identity.weight.reshape(-1), rtol=1e-5)


def test_bias_and_initial_potential_are_those_of_lowering(conversion: Conversion) -> None:
    coding, steps = conversion.network.coding, conversion.network.steps
    found = conversion.calibrated
    for layer, scale in zip(layers(conversion), conversion.lowered.layers, strict=False):
        # The whole bias of a layer, by what lowering wrote: its rest is in v(0).
        shift = found.graph.by_name.get(f"{layer.name}.shift")
        shift = torch.zeros(6) if shift is None else shift.arguments["shift"].reshape(-1)
        weighted = {"relu": "first", "relu#2": "second", "relu#3": "third"}
        own = found.graph.by_name[weighted[layer.name]].arguments["bias"]
        if layer.connections[0].source < 0:
            continue  # its zero point is a matter of the whole conversion, tested below
        unit = torch.from_numpy(scale.scale)
        grid = IntegerGrid(
            unit,
            own.double(),
            2**steps - 1 if coding == Coding.RADIX else 1,
            steps if coding == Coding.RATE else 1,
        )
        neurons = Neurons(
            found.thresholds[layer.name].double(),
            found.initial[layer.name].double(),
            shift.double(),
        )
        whole = grid.integer(neurons)
        bias = ((own.double() + whole.shift) / unit).numpy()
        np.testing.assert_allclose(bias, layer.bias, atol=1e-6)
        start = (whole.initial * torch.tensor(layer.threshold)).numpy()
        np.testing.assert_allclose(start, layer.initial_potential, atol=1e-6)


def test_a_cap_is_not_passed() -> None:
    grid = IntegerGrid(torch.tensor([0.4, 1.0]), torch.zeros(2), 1, 4)
    neurons = Neurons(torch.tensor([6.0, 5.4]), torch.full((2,), 0.5), torch.zeros(2))
    snapped = grid.snapped(neurons, cap=5.9).threshold
    torch.testing.assert_close(snapped, torch.tensor([5.6, 5.0]))
    # 5.4 / 1.0 rounds to 5; 6.0 would round to 15 units, of which 14 keep below the cap.


def test_the_rest_of_a_bias_comes_with_the_first_step() -> None:
    grid = IntegerGrid(torch.tensor([2.0]), torch.tensor([0.5]), 1, 8)
    found = grid.integer(Neurons(torch.tensor([21.0]), torch.tensor([0.5]), torch.tensor([0.3])))
    # 21 / 2 is 10 units (ties to even); the bias 0.8 is 0.4 units, rounded to 0, and 8 * 0.4 is 3.
    assert float(found.threshold) == 20.0
    assert float(found.initial) == pytest.approx((5 + 3) / 10)
    assert float(found.shift) == pytest.approx(-0.5)
