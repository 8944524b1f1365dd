"""Graphs that other tools write, as integer networks: held against the tools themselves."""

from __future__ import annotations

import nir
import numpy as np
import pytest
import sinabs.layers as sinabs
import snntorch
import torch
from sinabs.activation import SingleSpike
from sinabs.nir import to_nir
from snntorch.export_nir import export_to_nir
from torch import nn

from rheobase.converter.interop.nir.nir_import import import_nir
from rheobase.golden import run_golden
from tests.support.networks.random_networks import random_images

STEPS = 6
#: The tools are given pixels, not pixels / 255.
PIXELS = {"mean": 0.0, "std": 1 / 255, "steps": STEPS}


def with_integers(model: nn.Module) -> nn.Module:
    rng = np.random.default_rng(3)
    for parameter in model.parameters():
        if parameter.ndim:
            parameter.data = torch.tensor(rng.integers(-9, 10, parameter.shape)).float()
    return model


def images_of(found) -> np.ndarray:
    return random_images(np.random.default_rng(4), found.network, 4)


def test_sinabs(tmp_path):
    def neurons(threshold):
        return sinabs.IAFSqueeze(
            batch_size=1, spike_threshold=torch.tensor(threshold), spike_fn=SingleSpike
        )

    model = nn.Sequential(
        with_integers(nn.Conv2d(2, 4, 3, padding=1, stride=(1, 2))),
        neurons(900.0),
        sinabs.SumPool2d((2, 1), (2, 2)),
        nn.Flatten(),
        with_integers(nn.Linear(24, 5, bias=False)),
        neurons(20.0),
    )
    example = torch.rand(1, 2, 6, 6)
    model(example)
    graph = to_nir(model, example)
    graph.infer_types()
    nir.write(tmp_path / "sinabs.nir", graph)
    found = import_nir(tmp_path / "sinabs.nir", **PIXELS, at_threshold=True)
    assert len(found.kept) == 2 and not found.subtracts
    images = images_of(found)
    expected = []
    for image in images:
        for layer in model:
            if isinstance(layer, sinabs.IAFSqueeze):
                layer.reset_states()
        with torch.no_grad():
            given = torch.tensor(image).float().expand(STEPS, *image.shape)
            expected.append(model(given).sum(0).numpy())
    scores = run_golden(found.network, images).scores
    assert scores.any() and np.array_equal(scores, expected)


def snntorch_model() -> nn.Module:
    def neurons(*shape, threshold, **more):
        thresholds = torch.full(shape, threshold)
        return snntorch.Leaky(torch.ones(shape), thresholds, init_hidden=True, **more)

    return nn.Sequential(
        with_integers(nn.Conv2d(2, 4, 3, padding=1)),
        neurons(4, 6, 6, threshold=900.0),
        nn.Flatten(),
        with_integers(nn.Linear(144, 5)),
        neurons(5, threshold=20.0, output=True),
    )


def test_snntorch(tmp_path):
    """Above the threshold, not at it, as NIR's own equation has it."""
    model = snntorch_model()
    graph = export_to_nir(model, torch.rand(1, 2, 6, 6), ignore_dims=[0])
    nir.write(tmp_path / "snntorch.nir", graph)
    found = import_nir(tmp_path / "snntorch.nir", **PIXELS)
    images = images_of(found)
    for layer in model:
        if isinstance(layer, snntorch.Leaky):
            layer.reset_mem()
    with torch.no_grad():
        expected = sum(model(torch.tensor(images).float())[0] for _ in range(STEPS))
    scores = run_golden(found.network, images).scores
    assert scores.any() and np.array_equal(scores, expected.numpy())
    at_threshold = import_nir(graph, **PIXELS, at_threshold=True)
    assert not np.array_equal(run_golden(at_threshold.network, images).scores, scores)


def test_spikingjelly(tmp_path):
    """Its r is one over the time step; its neurons here are reset by subtraction."""
    pytest.importorskip("spikingjelly", reason="an extra (peers)")
    from spikingjelly.activation_based import functional, layer, neuron
    from spikingjelly.activation_based.nir_exchange.to_nir import export_to_nir

    def model(reset):
        return with_integers(
            nn.Sequential(
                layer.Conv2d(2, 4, 3),
                neuron.IFNode(v_threshold=400.0, v_reset=reset),
                layer.Flatten(),
                layer.Linear(64, 5),
                neuron.IFNode(v_threshold=20.0, v_reset=reset),
            )
        )

    export_to_nir(model(0.0), torch.rand(1, 2, 6, 6), tmp_path / "spikingjelly.nir")
    found = import_nir(tmp_path / "spikingjelly.nir", **PIXELS, at_threshold=True)
    assert len(found.kept) == 2 and not found.subtracts
    images, subtracting = images_of(found), model(None)
    functional.reset_net(subtracting)
    with torch.no_grad():
        expected = sum(subtracting(torch.tensor(images).float()) for _ in range(STEPS))
    scores = run_golden(found.network, images).scores
    assert scores.any() and np.array_equal(scores, expected.numpy())


def test_weights_that_are_no_integers_are_quantised():
    """The integer network follows a float one, computed step by step."""
    rng = np.random.default_rng(0)
    first, last = rng.normal(0, 0.3, (6, 1, 3, 3)), rng.normal(0, 0.3, (4, 96))
    bias = rng.normal(0, 0.1, 6)
    graph = nir.NIRGraph.from_list(
        nir.Conv2d((6, 6), first, 1, 0, 1, 1, bias),
        # A number for all neurons, as Norse writes it.
        nir.IF(np.ones(()), np.array(0.8)),
        nir.Flatten(np.array([6, 4, 4]), 0, -1),
        nir.Linear(last),
        type_check=False,
    )
    graph.nodes["input"] = nir.Input(np.array([1, 6, 6]))
    found = import_nir(graph, steps=32, mean=0.5, std=0.25)
    assert found.kept == ()
    images = images_of(found)
    x = torch.tensor((images / 255 - 0.5) / 0.25)
    current = nn.functional.conv2d(x, torch.tensor(first), torch.tensor(bias))
    potential, scores = torch.zeros_like(current), 0.0
    for _ in range(32):
        potential = potential + current
        spikes = (potential > 0.8).double()
        potential = potential - 0.8 * spikes
        scores = scores + spikes.flatten(1) @ torch.tensor(last).T
    run = run_golden(found.network, images)
    real = found.lowered.real_outputs(run.outputs)["output"] * 32
    assert np.abs(real.reshape(scores.shape) - scores.numpy()).max() < 0.05 * scores.abs().max()


@pytest.mark.parametrize("padding", ["same", "valid", 2])
def test_one_dimension(padding):
    rng = np.random.default_rng(1)
    weight, bias = rng.integers(-9, 10, (3, 2, 4)), rng.integers(-9, 10, 3)
    extent = {"same": 9, "valid": 6, 2: 10}[padding]
    last = rng.integers(-9, 10, (4, 3 * extent))
    nodes = {
        "in": nir.Input(np.array([2, 9])),
        "conv": nir.Conv1d(9, weight, 1, padding, 1, 1, bias),
        "spikes": nir.IF(np.ones((3, extent)), np.full((3, extent), 700.0)),
        "scaled": nir.Scale(np.full((3, extent), 2.0)),
        "flat": nir.Flatten(np.array([3, extent]), 0, -1),
        "last": nir.Affine(last, np.arange(4)),
        "out": nir.Output(np.array([4])),
    }
    edges = list(zip(list(nodes)[:-1], list(nodes)[1:], strict=True))
    found = import_nir(nir.NIRGraph(nodes, edges, type_check=False), **PIXELS)
    assert len(found.kept) == 2
    images = images_of(found)
    x, torched = torch.tensor(images[:, :, 0]).double(), torch.tensor(weight).double()
    current = nn.functional.conv1d(x, torched, torch.tensor(bias).double(), padding=padding)
    potential, scores = torch.zeros_like(current), 0
    for _ in range(STEPS):
        potential = potential + current
        spikes = potential > 700
        potential = potential - 700.0 * spikes
        scores = scores + 2 * spikes.flatten(1).double() @ torch.tensor(last).double().T
        scores = scores + torch.arange(4)
    assert np.array_equal(run_golden(found.network, images).scores, scores.numpy())


def test_a_subgraph_is_opened():
    inner = nir.NIRGraph(
        {
            "input": nir.Input(np.array([3])),
            "if": nir.IF(np.ones(3), np.array([40.0, 50.0, 60.0])),
            "output": nir.Output(np.array([3])),
        },
        [("input", "if"), ("if", "output")],
    )
    weight = np.random.default_rng(0).integers(-5, 6, (3, 4))
    nodes = {"in": nir.Input(np.array([4])), "w": nir.Linear(weight), "sub": inner}
    edges = [("in", "w"), ("w", "sub"), ("sub", "out")]
    nodes["out"] = nir.Output(np.array([3]))
    found = import_nir(nir.NIRGraph(nodes, edges, type_check=False), **PIXELS)
    (layer,) = found.network.layers
    assert layer.name == "sub.if" and list(layer.threshold) == [40, 50, 60]
    assert np.array_equal(layer.connections[0].weight[:, :, 0, 0], weight)
