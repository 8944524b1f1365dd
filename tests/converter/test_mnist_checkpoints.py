"""The committed checkpoints of examples/mnist.py: what docs/results/mnist.md says of them."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from torch import Tensor

import rheobase
from examples.mnist import MEAN, STD, load, mlp, wide_cnn
from rheobase.golden.network.network import Coding
from rheobase.golden.run.run import run_golden

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize(
    ("network", "file", "steps", "bits", "least"),
    [(wide_cnn, "mnist_wide", 3, 4, 0.992), (mlp, "mnist_mlp", 4, 5, 0.97)],
)
def test_few_bits_and_steps_keep_its_answers(mnist_root, network, file, steps, bits, least):
    model = network()
    model.load_state_dict(load_file(EXAMPLES / f"{file}.safetensors"))
    options = rheobase.Options(coding=Coding.RADIX, steps=steps, weight_bits=bits)
    images, _ = load(mnist_root, train=True, download=False)
    conversion = rheobase.convert(
        model.eval(), _pixels(images[:1000]), mean=MEAN, std=STD, options=options
    )
    tested, labels = load(mnist_root, train=False, download=False)
    answers = [run_golden(conversion.network, _pixels(part)).answers for part in tested.split(500)]
    assert (np.concatenate(answers) == labels.numpy()).mean() >= least


def _pixels(images: Tensor) -> np.ndarray:
    """As they were before normalisation."""
    return np.rint((images.numpy() * STD + MEAN) * 255).astype(np.uint8)
