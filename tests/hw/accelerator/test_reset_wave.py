"""ResetWave against what was asserted some cycles before."""

import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.hw.accelerator.reset_wave import ResetWave
from rheobase.sim.bench import run_bench


@pytest.mark.parametrize("stages", [1, 2, 5])
def test_stages_follow(stages):
    parameters = {"seed": stages, "stages": stages}
    run_bench(ResetWave(stages), "tests.hw.benches.reset_wave_bench", parameters)


def test_stages_out_of_range():
    with pytest.raises(RheobaseError, match=r"stages is 0, must be an integer >= 1"):
        ResetWave(0)
