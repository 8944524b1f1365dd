"""Synaptic operations counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.measure.energy import (
    EnergyPoint,
    cheapest,
    cnn_operations,
    frames_per_second_and_watt,
    measure,
)
from rheobase.converter.options import Options
from rheobase.golden.run.run import run_golden


def test_operations_one_by_one() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(3, 2, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8, 4),
    )
    images = np.random.default_rng(0).integers(0, 256, (20, 1, 6, 6), dtype=np.uint8)
    network = convert(
        model,
        images,
        mean=[0.5],
        std=[0.25],
        options=Options(steps=5, iterations=100, method="cltb"),
    ).network
    labels = np.zeros(20, dtype=np.int64)
    points = measure(network, images, labels, [3, 5])
    result = run_golden(network, images, steps=5, record=True)
    spikes = result.layers[0].spikes.sum(axis=(0, 1))  # channels, rows, columns
    expected = 0
    for _, row, column in np.ndindex(2, 2, 2):  # output channel and position
        for dy, dx in np.ndindex(3, 3):
            expected += spikes[:, 2 * row + dy, 2 * column + dx].sum()
    assert points[1].layers[1][1] == expected / 20
    assert points[1].layers[2][1] == 4 * result.layers[1].spikes.sum() / 20
    assert points[0].operations < points[1].operations
    assert points[1].accuracy == 100 * np.mean(result.answers == 0)
    assert cnn_operations(network) == 3 * 9 * 36 + 2 * 27 * 4 + 32


def test_cheapest_network_that_is_good_enough() -> None:
    points = [
        EnergyPoint(steps, 0, accuracy, (("a", operations), ("b", 1.0)))
        for steps, accuracy, operations in ((2, 70, 10.0), (8, 91, 40.0), (4, 90, 20.0))
    ]
    assert cheapest(points, 0.9 * 99).steps == 4
    assert cheapest(points, 0.95 * 99) is None


def test_frames_per_second_and_watt() -> None:
    assert frames_per_second_and_watt(1e6, 77e-15) == pytest.approx(1 / 77e-9)
