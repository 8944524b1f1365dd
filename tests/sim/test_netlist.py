"""Mapped netlists: what yosys made for ECP5 and Gowin answers like the golden model."""

import numpy as np
import pytest

from rheobase.golden.network.network import Coding, PoolRule, Readout
from rheobase.golden.run.run import run_golden
from rheobase.sim.batch import run_verilog
from rheobase.sim.ecp5_memory import block_ram_model
from rheobase.sim.netlist import build_netlist
from rheobase.sim.synthesis import TANG_NANO_20K, ULX3S_85F
from tests.support.networks.random_networks import random_folding, random_images, random_network


def _check(network, folding, images, device):
    built = build_netlist(network, folding, device)
    golden = run_golden(network, images)
    for stalls in ({}, {"gap": 30, "stall": 50}):
        found = run_verilog(built, images, processes=1, **stalls)
        assert np.array_equal(found.scores, golden.scores)
        assert np.array_equal(found.answers, golden.answers)


@pytest.mark.slow
@pytest.mark.parametrize("device", [ULX3S_85F, TANG_NANO_20K], ids=["ecp5", "gowin"])
@pytest.mark.parametrize("coding", Coding)
def test_netlist_answers_like_golden(coding, device):
    rng = np.random.default_rng(5)
    network = random_network(
        rng,
        coding=coding,
        readout=Readout.CURRENT,
        rule=PoolRule.CUMULATIVE,
        steps=3,
        hidden=1,
        largest_channels=6,
        largest_map=6,
    )
    _check(network, random_folding(rng, network), random_images(rng, network, 20), device)


def test_block_ram_model_names_every_initial_value():
    model = block_ram_model()
    assert model.count("parameter [319:0] INITVAL_") == 64
    assert "module DP16KD" in model
