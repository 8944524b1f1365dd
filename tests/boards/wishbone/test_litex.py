"""The accelerator beside a processor: LiteX's VexRiscv runs a program that classifies images."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rheobase.boards.builds.built_verilog import write_verilog
from rheobase.boards.builds.interfaces import Interface
from rheobase.boards.builds.verilog_bench import random_pixels
from rheobase.boards.wishbone.register_map import c_header
from rheobase.golden import Coding, PoolRule, Readout, run_golden, save_network
from tests.support.networks.random_networks import random_network, smallest_folding

EXAMPLE = Path(__file__).parents[3] / "examples" / "litex"


@pytest.mark.slow
def test_a_program_classifies_over_the_bus(tmp_path):
    if shutil.which("riscv64-unknown-elf-gcc") is None:
        pytest.skip("no compiler for RISC-V: apt-get install gcc-riscv64-unknown-elf")
    rng = np.random.default_rng(4)
    network = random_network(
        rng, coding=Coding.RATE, readout=Readout.COUNT, rule=PoolRule.STEP, steps=3, hidden=1
    )
    images = random_pixels(network, 3)
    np.savez(tmp_path / "images.npz", x=images, y=np.zeros(3, np.int64))
    save_network(network, tmp_path / "net.safetensors")
    write_verilog(
        network, smallest_folding(network), tmp_path / "net_wb.v", interface=Interface.WISHBONE
    )
    (tmp_path / "net_wb.h").write_text(c_header(network, "accelerator"))
    command = [sys.executable, EXAMPLE / "soc.py", "net_wb.v", "--network", "net.safetensors"]
    command += ["--images", "images.npz", "--count", "3", "--output", "litex"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    scores = [
        [int(score) for score in line.split()[1:]]
        for line in done.stdout.splitlines()
        if line.startswith("scores")
    ]
    golden = run_golden(network, images)
    assert scores == golden.outputs[0].reshape(len(images), -1).tolist()
    answers = [int(found) for found in re.findall(r"^image \d: (\d+)$", done.stdout, re.MULTILINE)]
    assert answers == golden.answers.tolist()
