"""A float SNN as a NIR graph, run by snnTorch."""

import nir
import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.interop.nir.nir_float import export_float_nir
from rheobase.converter.interop.nir.nir_import import import_nir
from rheobase.converter.options import Options
from rheobase.golden import Coding, RheobaseError, run_golden
from tests.support.nir_tools import SnnTorchNeurons, run_graph

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8, 5),
    ).eval()


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8)).astype(np.uint8)


def test_the_graph_computes_what_the_float_snn_does(tmp_path, model, images):
    options = Options(steps=16, method="ltb")
    conversion = convert(model, images, mean=MEAN, std=STD, options=options)
    export_float_nir(conversion, tmp_path / "snn.nir", mean=MEAN, std=STD)
    graph = nir.read(tmp_path / "snn.nir", type_check=False)
    found = run_graph(graph, images, 16, SnnTorchNeurons)["output"].mean(1)
    spread = torch.tensor(STD).reshape(3, 1, 1)
    real = (torch.tensor(images) / 255 - torch.tensor(MEAN).reshape(3, 1, 1)) / spread
    snn = conversion.snn.to("cpu", torch.float64)
    expected = snn(real.double()).numpy()
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()
    # And back in, quantised: close to the integer network that was made at once.
    again = import_nir(tmp_path / "snn.nir")
    scores = run_golden(again.network, images).scores * again.lowered.layers[-1].scale / 16
    assert np.abs(scores - expected).max() < 0.1 * np.abs(expected).max()


def test_radix_is_refused(tmp_path, model, images):
    options = Options(steps=4, coding=Coding.RADIX, method="ltb")
    conversion = convert(model, images, mean=MEAN, std=STD, options=options)
    with pytest.raises(RheobaseError, match="radix coding, must be rate"):
        export_float_nir(conversion, tmp_path / "snn.nir", mean=MEAN, std=STD)
    assert not list(tmp_path.iterdir())
