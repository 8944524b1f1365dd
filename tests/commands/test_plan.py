"""The plan as a user meets it: a table before the Verilog, or one line on what is missing."""

import numpy as np
import pytest

from rheobase import console
from rheobase.golden import save_network
from rheobase.golden.network.network import Coding
from tests.support.networks.residual_networks import residual_network


@pytest.fixture
def rheobase(folder, monkeypatch, run_command):
    """The command in ``folder``: (exit status, standard output, standard error)."""
    monkeypatch.chdir(folder)
    # The environment is read when the console is made, which another test may have done.
    monkeypatch.setattr(console.OUT, "width", 160)
    return run_command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With a small residual network, net.safetensors, and a folder of images of it."""
    path = tmp_path_factory.mktemp("plan")
    network = residual_network(Coding.RADIX, steps=3, stages=((8, 1),), size=8, bits=8)
    save_network(network, path / "net.safetensors")
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (path / "images" / name).mkdir(parents=True)
        for index in range(2):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path / "images" / name / f"{index}.png")
    return path


@pytest.mark.slow
def test_plan_is_printed_before_the_verilog_is_written(folder, rheobase):
    status, shown, error = rheobase(
        "generate",
        "net.safetensors",
        "-o",
        "a.v",
        "--board",
        "ulx3s-25f",
        "--target-fps",
        4000,
        "--plan-images",
        "images",
    )
    assert status == 0, error
    assert shown.index("weights in") < shown.index("wrote a.v")
    for text in ("stem", "stage0.block0.b", "direct", "limited by", "around them", "of 24,288"):
        assert text in shown
    assert "images/s at 50 MHz" in shown
    assert float(shown.split("in a stream, ")[1].split()[0].replace(",", "")) >= 4000
    assert "module accelerator(" in (folder / "a.v").read_text()

    status, shown, error = rheobase(
        "generate", "net.safetensors", "-o", "b.v", "-P", "8,8,8,3", "-E", "1,1,1,1"
    )
    assert status == 0, error
    assert "by size" in shown and "images/s" not in shown


BAD = {
    "area": (["--luts", "1500"], "does not fit 1,500 LUT4: even folded as small as can be"),
    "memory": (["--memory-bits", "18432"], "block RAMs of 1 ("),
    "speed": (
        ["--board", "ulx3s-12f", "--target-fps", "1000000"],
        "does not fit ULX3S-12F at 1e+06 images/s at 50 MHz (50 cycles): within that it takes",
    ),
    "no clock": (["--target-fps", "10"], "--target-fps: must come with --clock"),
    "both": (["--luts", "9000", "--adders", "9"], "--luts: must be a search, without -P"),
    "nothing": (["--luts", "0"], "--luts: 0, must be a number above 0"),
    "clock": (["--board", "ulx3s-12f", "--clock", "0"], "--clock: 0, must be 0 .. 1000"),
    "board": (["--board", "ulx4s"], "--board: 'ulx4s', must be one of"),
    "images": (["--plan-images", "none"], "none"),
}


@pytest.mark.parametrize("case", BAD)
def test_one_line_says_what_is_missing(folder, rheobase, case):
    arguments, message = BAD[case]
    status, _, error = rheobase("generate", "net.safetensors", "-o", "c.v", *arguments)
    assert status == 2
    lines = error.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("rheobase: ") and message in lines[0], error
    assert not (folder / "c.v").exists()
