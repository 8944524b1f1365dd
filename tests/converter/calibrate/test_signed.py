"""Neurons that fire signed, calibrated."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import rheobase
from rheobase.converter.calibrate import calibration_run
from rheobase.converter.calibrate.calibration import Calibration
from rheobase.converter.graph.levels import is_signed
from rheobase.golden.network.network import Coding
from tests.support.small_models import bottlenecks, calibration_images


def relative_error(conversion, images, expected):
    scores = rheobase.run_golden(conversion, images).outputs
    found = conversion.lowered.real_outputs(scores)["out"]
    return np.linalg.norm(found - expected) / np.linalg.norm(expected - expected.mean(axis=0))


@pytest.mark.parametrize(("coding", "steps"), [(Coding.RADIX, 4), (Coding.RATE, 16)])
def test_calibration_comes_closer_to_the_model(coding, steps):
    model, images = bottlenecks(), calibration_images(24)
    with torch.no_grad():
        expected = model((torch.from_numpy(images) / 255 - 0.5) / 0.25).numpy()
    plain = rheobase.Options(coding=coding, steps=steps, growth=1.0, only_if_better=False)
    calibrated = replace(plain, calibration=Calibration(weights=1, ridge=0.03))
    made = [
        rheobase.convert(model, images, mean=0.5, std=0.25, options=options)
        for options in (plain, calibrated)
    ]
    errors = [relative_error(conversion, images, expected) for conversion in made]
    assert errors[1] < 0.9 * errors[0]
    found = made[1].calibrated
    signed = [o.name for o in made[1].snn.graph.neurons if is_signed(o)]
    assert len(signed) == 3
    for name in signed:  # the kernel in front of a sum is fitted, with its shortcut
        assert name in found.changed and name in found.scales
        assert 0 < found.errors[name] < 0.2


def test_spikes_of_either_sign_are_kept_in_a_byte():
    values = torch.tensor([-0.5, 0.0, 0.5])
    starting = calibration_run.starting
    signed = starting(torch.ones(1), slope=torch.ones(1))
    kept = calibration_run._kept(values, signed)
    assert kept.dtype == torch.int8 and kept.tolist() == [-1, 0, 1]
    assert calibration_run._kept(values.abs(), starting(torch.ones(1))).dtype == torch.bool
