"""The committed checkpoint of examples/mnist.py: what docs/results/mnist.md says of it."""

from pathlib import Path

import numpy as np
from safetensors.torch import load_file
from torch import Tensor

import rheobase
from examples.mnist import MEAN, STD, load, wide_cnn
from rheobase.golden.network.network import Coding
from rheobase.golden.run.run import run_golden

CHECKPOINT = Path(__file__).resolve().parents[2] / "examples" / "mnist_wide.safetensors"


def test_four_bits_and_three_steps_keep_its_answers(mnist_root):
    model = wide_cnn()
    model.load_state_dict(load_file(CHECKPOINT))
    options = rheobase.Options(coding=Coding.RADIX, steps=3, weight_bits=4)
    images, _ = load(mnist_root, train=True, download=False)
    conversion = rheobase.convert(
        model.eval(), _pixels(images[:1000]), mean=MEAN, std=STD, options=options
    )
    tested, labels = load(mnist_root, train=False, download=False)
    answers = [run_golden(conversion.network, _pixels(part)).answers for part in tested.split(500)]
    assert (np.concatenate(answers) == labels.numpy()).mean() >= 0.992


def _pixels(images: Tensor) -> np.ndarray:
    """As they were before normalisation."""
    return np.rint((images.numpy() * STD + MEAN) * 255).astype(np.uint8)
