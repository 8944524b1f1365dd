"""Images are normalised a batch at a time, with the results of all at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rheobase.converter import Calibration, Options
from rheobase.converter.conversion import convert_graph
from rheobase.converter.data.batches import (
    BATCH,
    Batches,
    LazyBatches,
    on_device,
    split_batches,
    spread_images,
)
from rheobase.converter.data.pixels import normalised
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.tracing.trace import trace
from rheobase.golden import network_hash

MEAN, STD = (0.4,), (0.3,)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 5), max_size=5), st.integers(0, 30))
def test_images_are_chosen_from_all_over(sizes, count):
    images = torch.arange(sum(sizes))
    batches = list(images.split(sizes)) if sizes else []
    chosen, others = (torch.cat([images[:0], *part]) for part in split_batches(batches, count))
    assert len(chosen) == min(count, len(images))
    assert torch.equal(torch.cat([chosen, others]).sort().values, images)
    assert torch.equal(chosen.sort().values, chosen) and torch.equal(others.sort().values, others)
    assert all(len(batch) for part in split_batches(batches, count) for batch in part)
    if len(chosen) > 1:
        gaps = chosen.diff()
        assert int(gaps.max()) - int(gaps.min()) <= 1
        assert torch.equal(spread_images(batches, count), chosen)
    assert [len(batch) for batch in on_device(batches, "cpu")] == sizes


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (2 * BATCH + 30, 1, 6, 6), dtype=np.uint8)


@pytest.mark.parametrize("calibrated", [False, True])
def test_results_are_those_of_all_images_at_once(pixels, calibrated):
    """Every threshold and weight, with and without a fit that holds images back."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(48, 4)
    ).eval()
    graph = prepared(trace(model, (1, 6, 6)))
    options = Options(
        steps=4, method="cltb", calibration=Calibration(images=150) if calibrated else None
    )
    whole = list(normalised(pixels, MEAN, STD).split(BATCH))
    made = [
        convert_graph(graph, batches, mean=MEAN, std=STD, options=options)
        for batches in (whole, Batches(pixels, MEAN, STD))
    ]
    assert network_hash(made[0].network) == network_hash(made[1].network)
    assert made[0].fit == made[1].fit and (made[0].fit is not None) == calibrated


def test_one_batch_at_a_time_is_alive(pixels, monkeypatch):
    """While thresholds are balanced and t0 is chosen no two batches are held at once."""
    alive: set[int] = set()
    most = 0

    class Tracked(torch.Tensor):
        def __del__(self):
            alive.discard(id(self))

    def made(index):
        nonlocal most
        batch = normalised(pixels[index * BATCH : (index + 1) * BATCH], MEAN, STD)
        batch = batch.as_subclass(Tracked)
        alive.add(id(batch))
        most = max(most, len(alive))
        return batch

    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(32, 3)
    ).eval()
    graph = prepared(trace(model, (1, 6, 6)))
    convert_graph(
        graph, LazyBatches(made, 3), mean=MEAN, std=STD, options=Options(steps=4, method="cltb")
    )
    # A loop holds the batch before while it asks for the next.
    assert 0 < most <= 2


@pytest.mark.parametrize("count", [1, 4, 7, 10, 40])
def test_spread_images_are_from_all_over(count):
    images = torch.arange(23.0).reshape(23, 1)
    batches = [images[:4], images[4:5], images[5:16], images[16:]]
    found = spread_images(batches, count)
    assert len(found) == min(count, 23)
    gaps = found.flatten().diff()
    assert len(gaps) == 0 or (gaps.min() > 0 and gaps.max() - gaps.min() <= 1)
