"""The accelerator's Verilog in Icarus: four states, x at power-up, resets, both languages."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rheobase.boards.builds.memory_wrapper import WRAPPER
from rheobase.boards.builds.plain_verilog import plain_verilog
from rheobase.golden.network.network import Coding, PoolRule, Readout
from rheobase.hw.accelerator.accelerator import result_layout
from rheobase.hw.design.style import COMPACT, FAST
from rheobase.hw.planning.default_folding import default_folding
from rheobase.hw.verilog.generation import TOP, generate
from tests.support.networks.random_networks import random_network
from tests.support.simulation.icarus import LANGUAGES, run_icarus, without_initial_values
from tests.support.simulation.streams import encoded_streams

# Icarus takes a second for some thousand cycles: the network is as small as two layers can be.
RESETS = 12


def _network(coding):
    """Some of its processes read nothing that ever changes."""
    rng = np.random.default_rng(25)
    network = random_network(
        rng,
        coding=coding,
        readout=Readout.CURRENT,
        rule=PoolRule.CUMULATIVE,
        steps=2,
        hidden=1,
        largest_channels=2,
        largest_map=4,
    )
    # Different all over: a pixel that is lost shows in the next result.
    images = rng.integers(0, 256, (3, *network.input_shape)).astype(np.uint8)
    return network, images, default_folding(network, adders=4)


def _check(folder, network, images, files, language, *, seed=1):
    """Images with gaps, stalls and resets, against the golden model."""
    pixels, results = encoded_streams(network, images)
    for name, values in (("pixels.hex", pixels), ("expected.hex", results)):
        (folder / name).write_text("".join(f"{value:x}\n" for value in values))
    for name, text in files.items():
        (folder / name).write_text(text)
    sources = [name for name in files if name.endswith(".v") and name != "instantiation.v"]
    defines = {
        "PIXEL_BITS": 8 * network.input_shape[0],
        "PIXELS": len(pixels),
        "RESULT_BITS": result_layout(network).size,
        "RESULTS": len(results),
        "STEPS": network.steps,
        "DELAY": network.delay,
        "SEED": seed,
        "RESETS": RESETS,
        "BETWEEN": 400,
        "LONGEST": 2000,
    }
    bench = str(Path(__file__).parents[1] / "benches" / "four_state.v")
    printed = run_icarus(folder, [bench, *sources], language, defines, "bench")
    assert "PASSED" in printed, printed


@pytest.mark.parametrize(
    ("coding", "compact", "language"),
    [
        (Coding.RATE, False, "2005"),
        (Coding.RADIX, False, "2012"),
        pytest.param(Coding.RATE, True, "2012", marks=pytest.mark.slow),
        pytest.param(Coding.RADIX, True, "2005", marks=pytest.mark.slow),
    ],
)
def test_resets_of_unknown_registers(tmp_path, coding, compact, language):
    """Nothing is unknown after a reset, and nothing that was before it is seen."""
    network, images, folding = _network(coding)
    folding = tuple(replace(fold, style=COMPACT if compact else FAST) for fold in folding)
    files = {f"{TOP}.v": without_initial_values(generate(network, folding))}
    _check(tmp_path, network, images, files, language)


@pytest.mark.parametrize(
    "target", ["default", "generic", pytest.param("asic", marks=pytest.mark.slow)]
)
def test_both_languages(tmp_path, target):
    """Each flavour as it is written."""
    network, images, folding = _network(Coding.RATE)
    if target == "default":
        files = {f"{TOP}.v": generate(network, folding)}
    else:
        files = plain_verilog(network, folding, target)
        assert (f"{WRAPPER}.v" in files) == (target == "asic")
    for seed, language in enumerate(LANGUAGES, 2):
        _check(tmp_path, network, images, files, language, seed=seed)
