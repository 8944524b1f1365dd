"""Networks of Brevitas: their integers are those of the file, and so are their answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import rheobase
from rheobase.golden import RheobaseError, run_golden

qnn = pytest.importorskip("brevitas.nn")
quant = pytest.importorskip("brevitas.quant")

#: Scales that are powers of two: every threshold is an integer.
POWERS = {
    "weight_quant": quant.Int8WeightPerTensorFixedPoint,
    "act_quant": quant.Uint8ActPerTensorFixedPoint,
}
BY_CHANNEL = {
    "weight_quant": quant.Int8WeightPerChannelFloat,
    "act_quant": quant.Uint8ActPerTensorFloat,
}
#: Its zero point is not 0.
SHIFTED = quant.ShiftedUint8WeightPerTensorFloat


def a_model(weight_quant, act_quant, norm=False, bits=3):
    """Quantisers have seen a batch, as in training."""
    torch.manual_seed(1)
    weights = {"weight_bit_width": 4, "weight_quant": weight_quant}
    per_tensor = {**weights, "weight_quant": quant.Int8WeightPerTensorFixedPoint}
    neurons = {"bit_width": bits, "act_quant": act_quant}
    model = nn.Sequential(
        qnn.QuantIdentity(bit_width=8),
        qnn.QuantConv2d(2, 4, 3, padding=1, bias=True, **weights),
        nn.BatchNorm2d(4) if norm else nn.Identity(),
        qnn.QuantReLU(**neurons),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(4, 6, 3, groups=2, bias=False, **weights),
        qnn.QuantReLU(**neurons),
        nn.Flatten(),
        qnn.QuantLinear(6 * 4, 5, bias=False, **per_tensor),
    )
    if norm:
        nn.init.uniform_(model[2].weight, 0.5, 1.5)
        with torch.no_grad():
            model[2].weight[1] *= -1
    model.train()
    model(some_images(64).float() / 256)
    return model.eval()


def some_images(count):
    return torch.randint(
        0, 256, (count, 2, 8, 8), generator=torch.Generator().manual_seed(count), dtype=torch.uint8
    )


def integers_of(layer):
    return layer.quant_weight().int().numpy()


def half_up(x, scale, bits):
    """What a QuantReLU gives, but that halves are rounded up, as neurons do it."""
    return torch.floor(x / scale + 0.5).clamp(0, 2**bits - 1) * scale


def test_powers_of_two_are_the_model_itself():
    model = a_model(**POWERS)
    with torch.no_grad():  # a bias is rounded, so here it is none
        model[1].bias.zero_()
    # Pixels are worth 1 / 256 each.
    found = rheobase.import_brevitas(model, (2, 8, 8), mean=0.0, std=256 / 255)
    assert found.kept == tuple(layer.name for layer in found.network.layers)
    for layer, place in zip(found.network.layers, (1, 5, 8), strict=True):
        (connection,) = layer.connections
        assert np.array_equal(
            connection.weight.reshape(len(connection.weight), -1),
            integers_of(model[place]).reshape(len(connection.weight), -1),
        )
        assert connection.weight_bits == 4
    images = some_images(20)
    x = (images / 256).double()
    for place, module in enumerate(model):
        if place in (1, 5):
            weight = module.quant_weight().value.double()
            x = nn.functional.conv2d(x, weight, padding=module.padding, groups=module.groups)
        elif place in (3, 6):
            x = half_up(x, module.act_quant.scale().double(), 3)
        elif place == 8:
            x = x @ module.quant_weight().value.double().T
        elif place != 0:
            x = module(x)
    (output,) = found.lowered.outputs.values()
    scores = run_golden(found.network, images.numpy()).outputs[0].reshape(20, -1)
    assert np.array_equal(scores * output.parts[0].unit, x.detach().numpy())
    assert len(np.unique(scores)) > 20


def test_scales_by_channel_and_a_normalisation_that_turns_signs():
    model = a_model(**BY_CHANNEL, norm=True, bits=4)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = rheobase.import_brevitas(model, (2, 8, 8), mean=0.0, std=1.0)
    assert found.network.steps == 4 and len(found.kept) == 3
    first = integers_of(model[1]).copy()
    first[1] *= -1
    assert np.array_equal(found.network.layers[0].connections[0].weight, first)
    images = some_images(40)
    model[0] = nn.Identity()
    with torch.no_grad():
        expected = model(images / 255).numpy()
    (output,) = found.lowered.outputs.values()
    scores = run_golden(found.network, images.numpy()).outputs[0].reshape(40, -1)
    error = np.abs(scores * output.parts[0].unit - expected)
    # Thresholds are rounded to the scale of their channel: some neurons are one level off.
    assert np.median(error) < 0.1 * np.abs(expected).max()
    assert all(
        torch.equal(before[name], value)
        for name, value in model.state_dict().items()
        if name in before
    )


def test_what_is_not_one_scale_is_quantised():
    model = a_model(**POWERS)
    found = rheobase.import_brevitas(model, (2, 8, 8), mean=0.0, std=(1.0, 0.7))
    assert found.kept == tuple(layer.name for layer in found.network.layers[1:])
    assert "2 layers kept" in repr(found)


@pytest.mark.parametrize(
    ("place", "module", "said"),
    [
        (3, lambda: qnn.QuantReLU(bit_width=2), "3 2, 6 3, must be the same everywhere, 1..16"),
        (3, lambda: qnn.QuantTanh(bit_width=3), r"3 \(QuantTanh; accepted: QuantConv1d"),
        (2, lambda: qnn.QuantIdentity(bit_width=3), r"2 \(QuantIdentity; accepted: where the im"),
        (6, lambda: nn.ReLU(), "6 has no scale, must be QuantReLU"),
        (
            1,
            lambda: qnn.QuantConv2d(2, 4, 3, padding=1, weight_quant=SHIFTED),
            r"1 \(QuantConv2d; accepted: with weights of 8 bits at most, zero point 0",
        ),
    ],
)  # fmt: skip
def test_refusals(place, module, said):
    model = a_model(**POWERS)
    model[place] = module().eval()
    with pytest.raises(RheobaseError, match=said):
        rheobase.import_brevitas(model, (2, 8, 8), mean=0.0, std=1.0)
