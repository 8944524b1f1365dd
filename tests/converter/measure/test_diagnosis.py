"""What ``diagnose`` says of networks with a fault that is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.data.pixels import normalised
from rheobase.converter.graph.analog import run_graph
from rheobase.converter.lower.lowering import lower_graph
from rheobase.converter.measure.diagnosis import diagnose
from rheobase.converter.measure.real_layers import real_layers
from rheobase.converter.options import Options
from rheobase.golden import Coding, PoolRule, Readout, RheobaseError, run_golden
from rheobase.golden.files.file import load_network, save_network
from tests.support.json_output import result_of
from tests.support.models.small_models import bottlenecks, calibration_images, residual

ADDED = ("weights", "clipping", "levels", "timing")


def _pixels(count=24):
    """Images of few blocks, so that they differ in all layers."""
    blocks = np.random.default_rng(4).integers(0, 256, (count, 2, 2, 2)).astype(np.uint8)
    return np.kron(blocks, np.ones((4, 4), np.uint8))


def _chain():
    torch.manual_seed(5)
    layers = [nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(96, 8), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(8, 5)).eval()
    with torch.no_grad():  # no class is always the winner
        model[8].bias -= model(normalised(_pixels(), [0.5] * 2, [0.25] * 2)).mean(0)
    return model


def _converted(model, **options):
    given = Options(**{"method": "robust", "percentile": 100.0, **options})
    return convert(model, _pixels(), mean=0.5, std=0.25, options=given)


def _lowered(made, steps=7, **changes):
    """The network of ``made`` in radix with ``changes`` to what it is lowered with."""
    settings = {"coding": Coding.RADIX, "steps": steps, "mean": [0.5] * 2, "std": [0.25] * 2}
    thresholds = changes.pop("thresholds", made.snn.thresholds)
    return lower_graph(made.snn.graph, thresholds, **settings, **changes).network


def _diagnosed(network, model):
    found = diagnose(network, model, _pixels(), mean=0.5, std=0.25)
    return found, {layer.name: layer for layer in found.layers}


@pytest.mark.parametrize("coding", list(Coding))
def test_scales_are_those_of_the_lowering(coding):
    made = _converted(residual(), coding=coding, steps=6)
    found = real_layers(made.network, made.graph, [0.5] * 2, [0.25] * 2)
    for real, lowered in zip(found, made.lowered.layers, strict=True):
        np.testing.assert_allclose(real.scale, lowered.scale, rtol=0.01)
        if lowered.spike is not None:
            np.testing.assert_allclose(real.spike, lowered.spike, rtol=0.01)


@pytest.mark.parametrize("coding", list(Coding))
def test_linear_layers_that_fire_signed(coding):
    """Their centres, which the file does not have, are no error of theirs."""
    model, pixels = bottlenecks(), calibration_images()
    options = Options(
        coding=coding, steps=8 if coding == Coding.RADIX else 64, growth=1.0, method="cltb"
    )
    made = convert(model, pixels, mean=0.5, std=0.25, options=replace(options, iterations=400))
    centred = [o.name for o in made.graph.operations if o.name.endswith(":centred")]
    assert len(centred) == len(made.linear) == 3
    layers = diagnose(made.network, model, pixels, mean=0.5, std=0.25).layers
    assert sum(layer.name.endswith(":signed") for layer in layers) == 3
    assert all(layer.weights < 0.05 and layer.levels < 0.05 for layer in layers)
    largest = 0.1 if coding == Coding.RADIX else 0.3
    assert max(layer.entering for layer in layers) < largest, layers
    assert 0 < max(layer.total for layer in layers) < largest


@pytest.mark.parametrize(
    "options",
    [
        {"coding": "radix", "steps": 4},
        {"coding": "radix", "steps": 5, "spike_budget": 3.0},
        {"steps": 12, "delay": 2},
    ],
)
def test_the_error_is_that_of_the_spikes(options):
    """Spikes of the golden model's record times what they are worth, beside torch's activations."""
    model = residual()
    made = _converted(model, **options)
    found, layers = _diagnosed(made.network, model)
    wanted = {}

    def at_neuron(operation, current, _owned):
        wanted[operation.name] = current.relu().numpy()
        return current.relu()

    images = normalised(_pixels(), [0.5] * 2, [0.25] * 2)
    run_graph(made.graph, images, at_neuron)
    run = run_golden(made.network, _pixels(), record=True)
    radix = made.network.coding == Coding.RADIX
    assert any(layer.steps for layer in made.network.layers) == ("spike_budget" in options)
    for record, scale in zip(run.layers, made.lowered.layers, strict=True):
        if record.spikes is None:
            continue
        steps = record.spikes.shape[1]
        each = 2.0 ** np.arange(steps)[::-1] if radix else np.full(steps, 1 / steps)
        given = np.einsum("ntchw,t->nchw", record.spikes, each) * scale.spike[:, None, None]
        exact = wanted[record.name].reshape(given.shape)
        error = np.linalg.norm(given - exact) / np.linalg.norm(exact)
        assert layers[record.name].total == pytest.approx(error, rel=0.02)
    with torch.no_grad():
        answers = model(images).argmax(1).numpy()
    assert found.cnn_answers == pytest.approx(100 * np.mean(answers == run.answers))


def test_a_halved_threshold_is_clipping():
    model = _chain()
    made = _converted(model, coding="radix", steps=7)
    good, sound = _diagnosed(made.network, model)
    assert good.cnn_answers > 95 and all(layer.total < 0.1 for layer in good.layers)
    thresholds = dict(made.snn.thresholds)
    thresholds["4"] = thresholds["4"] / 2
    bad, layers = _diagnosed(_lowered(made, thresholds=thresholds), model)
    assert layers["4"].clipping > 0.1 > 10 * sound["4"].clipping
    assert max(ADDED, key=lambda name: getattr(layers["4"], name)) == "clipping"
    assert layers["1"] == replace(sound["1"], cnn_answers=layers["1"].cnn_answers)
    assert layers["7"].clipping < 0.01 and layers["7"].entering > 0.05
    assert bad.cnn_answers < layers["4"].cnn_answers
    assert layers["4"].cnn_answers == max(layer.cnn_answers for layer in bad.layers)


def test_two_bit_weights_are_weights():
    model = _chain()
    made = _converted(model, coding="radix", steps=7)
    bits = {layer.name: 8 for layer in made.network.layers} | {"4": 2}
    bad, layers = _diagnosed(_lowered(made, weight_bits=bits), model)
    assert layers["4"].weights > 0.2
    assert all(layer.weights < 0.03 for name, layer in layers.items() if name != "4")
    assert all(getattr(layers["4"], name) < 0.1 for name in ADDED[1:])
    assert layers["4"].cnn_answers > bad.cnn_answers + 10


def test_few_planes_are_levels():
    model = _chain()
    made = _converted(model, coding="radix", steps=7)
    few, many = (_diagnosed(_lowered(made, steps), model)[1] for steps in (2, 7))
    for name in ("1", "4", "7"):
        assert few[name].levels > 8 * many[name].levels > 0
        assert few[name].timing == 0
    assert few["1"].clipping < 1e-3 and few["7"].entering > 10 * many["7"].entering


def test_steps_that_pool_one_by_one_are_timing():
    """The mean of a maximum exceeds the maximum of the means: too much goes through."""
    torch.manual_seed(6)
    layers = [nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU()]
    model = nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(96, 5)).eval()
    found = {}
    for rule in PoolRule:
        made = _converted(model, steps=16, rule=rule)
        found[rule] = _diagnosed(made.network, model)[1]["3"]
    assert found[PoolRule.STEP].timing > 3 * found[PoolRule.CUMULATIVE].timing
    assert found[PoolRule.STEP].timing > found[PoolRule.STEP].levels
    assert found[PoolRule.STEP].weights < 0.02


def test_a_count_is_compared_with_scores_below_zero_too():
    model = _chain()
    made = _converted(model, steps=32, readout=Readout.COUNT)
    found, layers = _diagnosed(made.network, model)
    assert layers["8:readout"].cnn_answers >= found.cnn_answers
    everything = diagnose(made, model, _pixels(), [0] * 24, mean=0.5, std=0.25)
    with torch.no_grad():
        answers = model(normalised(_pixels(), [0.5] * 2, [0.25] * 2)).argmax(1)
    assert everything.cnn_right_answers == pytest.approx(100 * float((answers == 0).float().mean()))


def test_a_signed_layer_is_measured_on_both_sides():
    """In radix nothing comes unevenly: what levels give is what the golden model delivers."""
    model = _chain()
    network = _converted(model, coding="radix", steps=5).network
    layer = network.layers[1]
    signed = replace(layer, negative_threshold=2 * layer.threshold)
    changed = replace(network, layers=(network.layers[0], signed, *network.layers[2:]))
    _, plain = _diagnosed(network, model)
    _, layers = _diagnosed(changed, model)
    assert all(found.timing == 0 for found in layers.values())
    # A plane is the sign's: half the numbers are left for what is above zero.
    assert layers["4"].clipping > 10 * plain["4"].clipping
    # The model's layer as its slope says: what is below zero now counts beside what is above.
    images = normalised(_pixels(), [0.5] * 2, [0.25] * 2)
    with torch.no_grad():
        leaky = nn.Sequential(*model[:4], nn.LeakyReLU(0.5), *model[5:])(images)
    exact = diagnose(changed, model, _pixels(), leaky.argmax(1), mean=0.5, std=0.25)
    assert exact.cnn_right_answers == 100


def test_another_model_is_refused():
    model = _chain()
    made = _converted(model, coding="radix", steps=3)
    other = _chain()
    with torch.no_grad():
        other[3].weight.copy_(torch.randn(6, 6, 3, 3))
    cases = [
        (other, None, "weights of layer '4' correlate by"),
        (nn.Sequential(*_chain(), nn.ReLU(), nn.Linear(5, 5)), None, "5 layers, must be the 4"),
        (model, [0, 1], "labels: 2, must be one for each of 24 images"),
    ]
    wider = _chain()
    wider[6], wider[8] = nn.Linear(96, 9), nn.Linear(9, 5)
    cases.append((wider, None, "must be layer '7' of the network"))
    for given, labels, message in cases:
        with pytest.raises(RheobaseError, match=message):
            diagnose(made, given, _pixels(), labels, mean=0.5, std=0.25)
    bare = replace(made.network, provenance=None)
    with pytest.raises(RheobaseError, match="mean, std: needed"):
        diagnose(bare, model, _pixels())


MODEL = """
import torch
from torch import nn

def cnn():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(192, 10))
"""


def test_the_command(tmp_path, monkeypatch, run_command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.py").write_text(MODEL)
    run = run_command
    digits = ("--images", "digits", "--count", 30)
    assert (
        run("convert", "models.py:cnn", *digits, "--calibration", 40, "-o", "net.safetensors")[0]
        == 0
    )
    status, shown, error = run("diagnose", "net.safetensors", *digits)
    assert status == 0 and "the network's answers: the CNN's in" in shown and not error.strip()
    status, shown, _ = run("diagnose", "net.safetensors", "models.py:cnn", *digits, "--json")
    found = result_of(shown)
    assert status == 0 and [layer["name"] for layer in found["layers"]] == ["1", "3"]
    assert found["images"] == 30 and found["layers"][0]["entering"] < 1e-6

    network = load_network(tmp_path / "net.safetensors")
    for change, message in (
        ({"weights": "w.safetensors"}, "--weights: needed, as named.safetensors was made with"),
        ({"model": "Sequential"}, "MODEL: needed, as named.safetensors does not say"),
    ):
        named = replace(network.provenance, **change)
        save_network(replace(network, provenance=named), tmp_path / "named.safetensors")
        status, _, error = run("diagnose", "named.safetensors", *digits)
        assert status == 2 and message in " ".join(error.split())
