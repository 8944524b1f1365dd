"""Queue: what goes in comes out, in order."""

import numpy as np
import pytest
from rheobase.golden.errors import RheobaseError
from rheobase.hw.queue import Queue
from support.components import check_exchange


@pytest.mark.parametrize("depth", [1, 2, 5, 8])
def test_keeps_order(depth):
    values = np.random.default_rng(depth).integers(0, 2**7, 150).tolist()
    check_exchange(Queue(7, depth), {"input": (7, values)}, {"output": (7, values)})


def test_depth_out_of_range():
    with pytest.raises(RheobaseError, match=r"Queue: depth is 0, accepted is an integer >= 1"):
        Queue(4, 0)
