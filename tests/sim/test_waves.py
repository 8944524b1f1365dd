"""Waveform files hold the signals of the images that were asked for, under the Verilog's names."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pywellen import Waveform

from rheobase.cli import main
from rheobase.golden import RheobaseError, run_golden, save_network
from rheobase.golden.network.network import Coding, PoolRule, Readout
from rheobase.hw.basics.queue import Queue
from rheobase.hw.verilog.generation import generate
from rheobase.sim.batch import build_simulation
from rheobase.sim.waves import wave_format
from rheobase.sim.waves.bench_waves import FOLDER, bench_waves
from rheobase.sim.waves.wave_format import WaveFormat, has_compression
from rheobase.sim.waves.waves import record_waves
from tests.support.networks.random_networks import random_images, random_network, smallest_folding
from tests.support.simulation.components import check_exchange

#: Nanoseconds of a cycle; inputs change at its start, and the clock rises in its middle.
CYCLE = 10


@pytest.fixture(scope="module")
def network():
    return random_network(
        np.random.default_rng(9),
        coding=Coding.RATE,
        readout=Readout.COUNT,
        rule=PoolRule.STEP,
        steps=2,
        hidden=1,
        largest_channels=3,
        largest_map=4,
    )


@pytest.fixture(scope="module")
def folding(network):
    return smallest_folding(network)


@pytest.fixture
def images(network):
    return random_images(np.random.default_rng(0), network, 6)


def accelerator_format() -> WaveFormat:
    """FST where it can be written, so that the rest of the tests has VCD."""
    return WaveFormat.FST if has_compression() else WaveFormat.VCD


def taken(path: Path, stream: str, names=("valid", "ready"), payload="payload") -> list[int]:
    """Payloads of ``TOP.accelerator``'s ``stream``, one for each cycle in which it moves."""
    file = Waveform(str(path))
    valid, ready, value = (
        file[f"TOP.accelerator.{stream}{name}"].signal for name in (*names, payload)
    )
    clock = file["TOP.clk"].signal
    last = 0
    found: list[int] = []
    for time in range(0, 10_000_000, CYCLE):
        if clock.value_at(time) is None:
            continue
        if time > last + 4000 * CYCLE and last:
            break
        if valid.value_at(time) == ready.value_at(time) == 1:
            found.append(int(value.value_at(time)))
            last = time
    return found


def test_an_image_is_in_its_file(network, folding, images, tmp_path):
    """Pixels, spike words and scores of images 3 and 4, behind three others; with stalls."""
    kind = accelerator_format()
    built = build_simulation(network, folding, optimise="fast-build", waves=kind)
    path = tmp_path / f"run.{kind}"
    record_waves(built, images, path, first=3, count=2, processes=1, gap=30, stall=30, seed=4)
    golden = run_golden(network, images[3:5], record=True)

    channels = len(images[0])
    wanted = [
        sum(int(value) << 8 * c for c, value in enumerate(pixel))
        for image in images[3:]
        for pixel in image.reshape(channels, -1).T
    ]
    pixels = taken(path, "pixels__")
    assert len(pixels) >= 2 * images[0][0].size and pixels == wanted[: len(pixels)]

    scores = taken(path, "results__")
    bits = int(np.ceil(np.log2(network.steps + 1)))
    assert [beat & (1 << bits) - 1 for beat in scores][-2 * network.classes :] == [
        int(score) for score in golden.scores.reshape(-1)
    ]

    spikes = golden.layers[0].spikes.transpose(0, 3, 4, 2, 1).reshape(-1)
    words = taken(path, "layer0_spike_", payload="word")
    assert words[-len(spikes) :] == spikes.astype(int).tolist()


def test_what_cannot_be_written(network, folding, images, tmp_path, monkeypatch):
    built = build_simulation(network, folding, optimise="fast-build", waves=accelerator_format())
    with pytest.raises(RheobaseError, match=r"run\.ps: ends in no format .* \.fst or \.vcd"):
        record_waves(built, images, tmp_path / "run.ps")
    name = tmp_path / f"run.{accelerator_format()}"
    with pytest.raises(RheobaseError, match=r"first image is 6, must be an integer in 0\.\.5"):
        record_waves(built, images, name, first=6)
    with pytest.raises(RheobaseError, match=r"images is 2, must be an integer in 1\.\.1"):
        record_waves(built, images, name, first=5, count=2)
    plain = replace(built, waves=None)
    with pytest.raises(RheobaseError, match="was built for no waveforms"):
        record_waves(plain, images, name)
    monkeypatch.setattr(wave_format, "has_compression", lambda: False)
    with pytest.raises(RheobaseError, match=r"install them with .* or write run\.vcd"):
        record_waves(built, images, tmp_path / "run.fst")
    assert not list(tmp_path.iterdir())


def test_the_image_that_differs_is_written(network, folding, images, tmp_path, monkeypatch):
    """By the command, with those before it; without one that differs it is the first."""
    layer = network.layers[-1]
    weight = np.zeros_like(layer.connections[0].weight)
    layer = replace(layer, connections=(replace(layer.connections[0], weight=weight),))
    wrong = replace(network, layers=(*network.layers[:-1], layer))
    differs = (run_golden(network, images).scores != run_golden(wrong, images).scores).any(axis=1)
    images = images[np.argsort(differs, kind="stable")]
    failing = int((~differs).sum())
    assert 1 < failing < len(images)
    np.savez(tmp_path / "images.npz", x=images, y=np.zeros(len(images), np.int64))
    save_network(wrong, tmp_path / "net.safetensors")

    # The hardware is right and the network is not; one build serves with and without waveforms.
    text = generate(network, folding)

    def built(of, _, *, waves, **__):
        kind = accelerator_format()
        return build_simulation(of, folding, optimise="fast-build", verilog=text, waves=kind)

    written = []

    def recorded(built, images, path, *, first, **settings):
        written.append((len(images), first, settings["seed"]))

    monkeypatch.setattr("rheobase.sim.batch.build_simulation", built)
    monkeypatch.setattr("rheobase.sim.waves.waves.record_waves", recorded)
    monkeypatch.chdir(tmp_path)

    def run(*more):
        arguments = ["simulate", "net.safetensors", "--images", "images.npz", "-P", "1,1"]
        arguments += ["-E", "1,1", "--record", "0", "--seed", "5", "--waves", *more]
        monkeypatch.setattr(sys, "argv", ["rheobase", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0

    assert run("run.vcd") == 1
    assert run("run.vcd", "--images-from", "1") == 1
    assert run("run.vcd", "--images-from", "1", "--count", "1") == 0
    assert written == [(6, failing, 5), (5, failing - 1, 5), (1, 0, 5)]
    assert run("run.ps") == run("none/run.vcd") == run("run.vcd", "--images-from", "6") == 2
    assert len(written) == 3


def test_a_component_under_test_is_written(tmp_path, monkeypatch):
    """Every payload that a queue gives, where the environment asks for it."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "waves"))
    monkeypatch.setattr("rheobase.sim.waves.bench_waves.has_compression", lambda: False)
    values = [3, 1, 7, 7, 0]
    check_exchange(Queue(3, 2), {"input": (3, values)}, {"output": (3, values)})
    (path,) = (tmp_path / "waves").iterdir()
    assert path.name.startswith("test_waves.py-test_a_component_under_test_is_written-Queue-")
    assert path.suffix == ".vcd"
    file = Waveform(str(path))
    valid, ready, payload, clock = (
        file[f"dut.{name}"].signal
        for name in ("output__valid", "output__ready", "output__payload", "clk")
    )
    picoseconds = range(0, 100_000_000, 500)
    edges = [
        time
        for time in picoseconds
        if clock.value_at(time) == 1 and time and clock.value_at(time - 500) == 0
    ]
    moved = [
        payload.value_at(time - 500)
        for time in edges
        if valid.value_at(time - 500) == ready.value_at(time - 500) == 1
    ]
    assert moved == values * 4, "four rounds of stalls"


def test_nothing_is_written_unless_asked(monkeypatch):
    monkeypatch.delenv(FOLDER, raising=False)
    assert bench_waves("Queue", "parameters") is None
