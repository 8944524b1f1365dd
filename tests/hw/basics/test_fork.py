"""StreamFork: every branch gets every element once, whatever the other branches do."""

import numpy as np

from rheobase.hw.basics.fork import StreamFork
from tests.support.simulation.tiers import both_tiers


@both_tiers
def test_every_branch_gets_everything(check):
    values = np.random.default_rng(0).integers(0, 2**9, 120).tolist()
    check(
        StreamFork(9, 3),
        {"input": (9, values)},
        {f"outputs__{branch}": (9, values) for branch in range(3)},
    )
