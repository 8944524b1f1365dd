"""What `view` draws and writes for one image."""

import numpy as np
import pytest

from rheobase.golden import run_golden, save_network
from rheobase.reporting.raster import draw_raster, spike_rows


def test_rows_have_the_spikes_of_their_neurons():
    rng = np.random.default_rng(0)
    spikes = rng.integers(-1, 2, (5, 6, 13, 11)).astype(np.int8) * (
        rng.random((5, 6, 13, 11)) < 0.2
    )
    rows, share = spike_rows(spikes)
    assert share == 3 and len(rows) == 286
    flat = spikes.reshape(5, -1).T
    for row in range(len(rows)):
        for step in range(5):
            there = set(flat[share * row : share * (row + 1), step].tolist())
            assert rows[row, step] == (1 if 1 in there else -1 if -1 in there else 0)
    few, share = spike_rows(spikes[:, :1, :2, :3])
    assert share == 1 and np.array_equal(few, flat.reshape(6, 13, 11, 5)[0, :2, :3].reshape(6, 5))


def test_every_spike_is_drawn(subject, tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    drawn = []
    monkeypatch.setattr(Axes, "vlines", lambda _, x, low, high, **style: drawn.append((x, low)))
    draw_raster(subject.network, subject.images[0], tmp_path / "a.svg", "title")
    record = run_golden(subject.network, subject.images[:1], record=True).layers[0]
    assert record.spikes is not None and record.spikes.any()
    steps, neurons = np.nonzero(record.spikes[0].reshape(subject.network.steps, -1))
    x, low = drawn[0]
    assert sorted(zip(x.tolist(), low.tolist(), strict=True)) == sorted(
        zip((steps + 1).tolist(), (neurons - 0.5).tolist(), strict=True)
    )


@pytest.mark.slow
def test_the_command(subject, tmp_path, run_command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_network(subject.network, "net.safetensors")
    np.savez("images.npz", x=subject.images)
    options = ("view", "net.safetensors", "--images", "images.npz")
    for wrong, said in (
        (("--image", 24), "--image: 24, must be below 24"),
        (("-o", "run.ps"), "run.ps"),
        (("-o", "run.vcd", "--raster", "a.bmp"), "a.bmp: must end in .png, .svg, .pdf"),
    ):
        status, _, error = run_command(*options, *wrong)
        assert status == 2 and said in " ".join(error.split())
    assert {path.name for path in tmp_path.iterdir()} == {"net.safetensors", "images.npz"}
    status, shown, _ = run_command(*options, "--image", 2, "-o", "run.vcd")
    assert status == 0 and "wrote run.vcd" in shown and "wrote run.png" in shown
    assert "layer0_spike_valid" in (tmp_path / "run.vcd").read_text()
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_formats(subject, tmp_path, form):
    draw_raster(subject.network, subject.images[0], tmp_path / f"a.{form}", "title")
    assert (tmp_path / f"a.{form}").stat().st_size > 1000
