"""Commands on a cluster give what they give on one machine, while workers are lost."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from distributed import LocalCluster

from rheobase.boards.builds.built_verilog import write_verilog
from rheobase.cluster.cluster import connected
from rheobase.golden import Coding, PoolRule, Readout, save_network
from rheobase.sim.batch import build_simulation, run_verilog
from rheobase.sim.comparison import simulate as simulate_here
from rheobase.sim.sent_simulation import simulate_sent
from tests.cluster.conftest import kill_workers
from tests.support.models.tasks import MODELS, write_voc
from tests.support.networks.random_networks import (
    random_images,
    random_network,
    smallest_folding,
)

MODEL = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(24, 10),
    )
"""


def killer(cluster: LocalCluster, done) -> threading.Thread:
    """Kills one worker as soon as ``done()``: something is finished, and more is to come."""

    def wait() -> None:
        while not done():
            time.sleep(0.01)
        kill_workers(cluster)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.slow
def test_sweep(run_command, local_cluster, scheduler, tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    options = ["--images", "digits", "--calibration", 40, "--count", 50, "-T", "2,4"]
    options += ["--recipe", "robust,cltb@20", "--t0", "0,1", "--weight-bits", "float,4"]
    command = ["sweep", "net.py:net", *options]
    assert run_command(*command, "-o", "here")[0] == 0
    # Workers are elsewhere, and have neither the model nor where it was.
    jobs = tmp_path / "there" / "jobs"
    thread = killer(local_cluster, lambda: any(jobs.glob("*.json")))
    status, _, error = run_command(*command, "-o", "there", "--scheduler", scheduler)
    assert status == 0, error
    thread.join(5)
    assert not thread.is_alive()
    here, there = (tmp_path / name / "sweep.csv" for name in ("here", "there"))
    assert here.read_text() == there.read_text() and len(here.read_text().splitlines()) == 17
    # With every job done the scheduler is not asked.
    assert run_command(*command, "-o", "there", "--scheduler", "127.0.0.1:9")[0] == 0


def test_evaluate(run_command, local_cluster, scheduler, tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(MODELS)
    write_voc(tmp_path)
    monkeypatch.chdir(tmp_path)
    command = ["evaluate", "voc-segmentation", "own_models:segmenter", "--data", ".", "-T", "2,4"]
    command += ["--resize", 16, "--calibration", 2, "--recipe", "ltb"]
    assert run_command(*command, "-o", "here")[0] == 0
    status, printed, error = run_command(*command, "-o", "there", "--scheduler", scheduler)
    assert status == 0, error
    here, there = (tmp_path / name for name in ("here", "there"))
    assert (here / "results.csv").read_text() == (there / "results.csv").read_text()
    assert "wrote there/results.csv" in printed


@pytest.fixture(scope="module")
def network():
    return random_network(
        np.random.default_rng(6),
        coding=Coding.RATE,
        readout=Readout.COUNT,
        rule=PoolRule.STEP,
        steps=3,
        hidden=1,
        largest_channels=4,
        largest_map=5,
    )


@pytest.mark.slow
def test_simulate(run_command, local_cluster, scheduler, tmp_path, network):
    """Shares of a cluster are those of so many processes here: every figure is the same."""
    folding = smallest_folding(network)
    images = random_images(np.random.default_rng(1), network, 40)
    settings = {"processes": 8, "gap": 20, "stall": 30, "seed": 4, "steps": 2}
    built = build_simulation(network, folding, optimise="fast-build")
    here = simulate_here(built, images, record_images=9, **settings)
    done = []
    thread = killer(local_cluster, lambda: done)
    with connected(scheduler, ["amaranth"]) as cluster:
        there = simulate_sent(
            cluster.map,
            network,
            folding,
            images,
            record_images=9,
            progress=done.append,
            **settings,
        )
    thread.join(5)
    assert not thread.is_alive() and sum(done) == 40
    assert here.equal and there.equal and there.layers == here.layers
    for field in ("answers", "scores", "cycles_per_image", "latency", "total_cycles"):
        assert np.array_equal(getattr(here.hardware, field), getattr(there.hardware, field))
    for ours, theirs in zip(here.hardware.spikes, there.hardware.spikes, strict=True):
        assert (ours is None and theirs is None) or np.array_equal(ours, theirs)
    assert np.array_equal(here.golden.scores, there.golden.scores)
    whole = run_verilog(built, images, steps=2)
    assert np.array_equal(whole.scores, there.hardware.scores)

    save_network(network, tmp_path / "net.safetensors")
    write_verilog(network, folding, tmp_path / "net.v")
    np.savez(tmp_path / "images.npz", x=images, y=np.zeros(len(images), np.int64))
    command = ["simulate", tmp_path / "net.safetensors", "--images", tmp_path / "images.npz"]
    command += ["--record", 3, "--verilog", tmp_path / "net.v"]
    status, printed, error = run_command(*command, "--scheduler", scheduler)
    assert status == 0, error
    same = "hardware = golden model: all answers and scores of 40 images, every spike of 3"
    assert same in printed
