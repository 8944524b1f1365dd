"""What layers do in each cycle, read from waveforms that are written by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from vcd import VCDWriter

from rheobase.golden import RheobaseError
from rheobase.sim.waves import occupancy
from rheobase.sim.waves.occupancy import Doing, read_occupancy

#: Cycle after cycle: accumulating lanes (2 bits), sums valid and ready, spikes valid and ready.
CYCLES = [
    (0, 0, 0, 0, 0),
    (3, 1, 0, 1, 0),
    (1, 0, 0, 0, 0),
    (0, 1, 0, 1, 0),
    (0, 1, 1, 1, 0),
    (0, 0, 0, 1, 1),
    (0, 0, 1, 0, 1),
]
WANTED = [Doing.IDLE, Doing.ADDING, Doing.ADDING, Doing.NEURONS, Doing.HELD, Doing.IDLE, Doing.IDLE]


@pytest.fixture
def designs(monkeypatch):
    probe = SimpleNamespace(
        layer="a",
        word="w",
        valid="layer0_spike_valid",
        ready="layer0_spike_ready",
        accumulating="layer0_accumulating",
    )
    monkeypatch.setattr(occupancy, "probes", lambda _: (probe,))
    return ()


def write(path, first):
    """A waveform whose clock rises in the middle of each cycle, from cycle ``first`` on."""
    names = (
        ("TOP.accelerator", "layer0_accumulating", 2),
        ("TOP.accelerator.layer0.group", "sums__valid", 1),
        ("TOP.accelerator.layer0.group", "sums__ready", 1),
        ("TOP.accelerator", "layer0_spike_valid", 1),
        ("TOP.accelerator", "layer0_spike_ready", 1),
    )
    with path.open("w") as file, VCDWriter(file, "1 ns", init_timestamp=10 * first) as writer:
        clock = writer.register_var("TOP", "clk", "wire", size=1, init=0)
        signals = [
            writer.register_var(scope, name, "wire", size=size) for scope, name, size in names
        ]
        for number, values in enumerate(CYCLES):
            start = 10 * (first + number)
            writer.change(clock, start, 0)
            for signal, value in zip(signals, values, strict=True):
                writer.change(signal, start, value)
            writer.change(clock, start + 5, 1)


@pytest.mark.parametrize("bins", [1, 3, 7, 100])
@pytest.mark.parametrize("first", [0, 12])
def test_every_cycle_is_one_thing(tmp_path, designs, bins, first):
    write(tmp_path / "run.vcd", first)
    found = read_occupancy(tmp_path / "run.vcd", designs, bins)
    assert found.cycles == len(CYCLES) and len(found.edges) == min(bins, len(CYCLES)) + 1
    (layer,) = found.layers
    for doing in Doing:
        each = np.array([what == doing for what in WANTED], int)
        pairs = zip(found.edges, found.edges[1:], strict=False)
        assert layer.doing[doing].tolist() == [each[a:b].sum() for a, b in pairs]


def test_what_is_no_waveform(tmp_path, designs):
    (tmp_path / "run.vcd").write_text("nothing")
    with pytest.raises(RheobaseError, match="no waveform"):
        read_occupancy(tmp_path / "run.vcd", designs)
