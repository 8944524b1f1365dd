"""Queue: what goes in comes out, in order."""

import numpy as np
import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.hw.basics.queue import Queue
from rheobase.hw.memories.devices import Family
from rheobase.hw.memories.memory_mapping import mapped_memory
from rheobase.hw.memories.memory_shape import queue_memory
from rheobase.hw.memories.ram_queue import RamQueue
from rheobase.hw.verilog.generation import to_verilog
from rheobase.sim.synthesis import ICEBREAKER, synthesise
from tests.support.simulation.tiers import both_tiers


@both_tiers
@pytest.mark.parametrize("depth", [1, 2, 5, 8])
def test_keeps_order(depth, check):
    values = np.random.default_rng(depth).integers(0, 2**7, 150).tolist()
    check(Queue(7, depth), {"input": (7, values)}, {"output": (7, values)})


def test_depth_out_of_range():
    with pytest.raises(RheobaseError, match=r"Queue: depth is 0, must be an integer >= 1"):
        Queue(4, 0)


@both_tiers
@pytest.mark.parametrize(("depth", "width"), [(2, 7), (4, 7), (16, 19)])
def test_in_block_ram(depth, width, check):
    values = np.random.default_rng(depth).integers(0, 2**width, 150).tolist()
    stream = (width, values)
    check(RamQueue(width, depth), {"input": stream}, {"output": stream})


def test_depth_in_block_ram_out_of_range():
    for depth in (1, 6):
        with pytest.raises(RheobaseError, match=r"RamQueue: depth"):
            RamQueue(4, depth)


def test_block_ram_takes_the_place_of_registers():
    """Of an iCE40, which has no distributed RAM: as many blocks as the cost model counts."""
    queues = {
        name: synthesise(to_verilog(queue, "queue"), "queue", ICEBREAKER).resources
        for name, queue in {"registers": Queue(19, 16), "block": RamQueue(19, 16)}.items()
    }
    counted = mapped_memory(queue_memory(19, 16), Family.ICE40).block_rams
    assert queues["block"].block_rams == counted == 2
    assert queues["block"].luts < 40 < 19 * 16 < queues["registers"].luts
