"""Row buffers in large RAMs of one port: which, and what yosys makes of them."""

from dataclasses import replace

import pytest

from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import Coding
from rheobase.hw.design.buffering import default_spare_rows
from rheobase.hw.design.folding import LayerFolding, check_folding
from rheobase.hw.design.geometry import window_geometry
from rheobase.hw.design.style import COMPACT
from rheobase.hw.memories.devices import Family
from rheobase.hw.memories.memory_mapping import mapped_memory
from rheobase.hw.memories.memory_shape import row_memory
from rheobase.hw.planning.large_memories import large_buffers, with_large_rows
from rheobase.hw.planning.plan import Budget
from rheobase.hw.planning.search.folding_search import Planner
from rheobase.hw.verilog.generation import to_verilog
from rheobase.hw.window.window_buffer import WindowBuffer
from rheobase.sim.synthesis import ICEBREAKER, synthesise
from tests.support.networks.residual_networks import residual_network


@pytest.fixture(scope="module")
def network():
    """Two stages, of 8 channels on 12 x 12 pixels and of 12 on 6 x 6; T = 16."""
    return residual_network(Coding.RATE, steps=16, stages=((8, 1), (12, 1)), size=12)


#: Channels of the source, and bits of a word that it gives.
ROWS = {
    "one word": (8, 8),
    "one word, wider than the RAM": (20, 20),
    "several words": (8, 4),
    "a last word that is not full": (12, 8),
    "parts of two bits": (10, 4),
    "words of three bits, whose place would be four": (8, 3),
}


@pytest.mark.parametrize("rows", ROWS)
def test_yosys_makes_large_rams_of_them(rows):
    """Of every layout of words in a row: what is chosen can be built, and is counted."""
    channels, width = ROWS[rows]
    network = residual_network(Coding.RATE, steps=16, stages=((channels, 1),), size=12)
    geometry = window_geometry(network, 1, 0, width, 2, row_words=True)
    buffer = WindowBuffer(
        geometry, word_width=width, groups=2, plane_by_plane=False, single_port=True, style=COMPACT
    )
    assert buffer.single_port == (width != 3)
    mapped = mapped_memory(row_memory(geometry, width, large=True), Family.ICE40)
    found = synthesise(to_verilog(buffer, "buffer"), "buffer", ICEBREAKER).resources
    assert found.large_rams == mapped.large_rams == buffer.single_port * -(-channels // 16)
    # The flags are in one block in either case.
    assert found.block_rams == mapped.block_rams + 1


def test_those_that_save_most_blocks_are_chosen(network):
    spare = default_spare_rows(network)
    saved = {}
    # The last layer is streamed: it has no buffer.
    for index, layer in enumerate(network.layers[1:-1], start=1):
        for number in range(len(layer.connections)):
            geometry = window_geometry(
                network, index, number, 4, spare[index][number], row_words=True
            )
            width = geometry.channels
            # An EBR has 256 words of 16 bits, 512 of 8 and so on: bits, rounded up as laid out.
            blocks = min(
                -(-geometry.depth // (256 * part)) * -(-width * part // 16) for part in (1, 2, 4, 8)
            )
            saved[index, number] = blocks / -(-width // 16)
    best = max(saved.values())
    (first,) = large_buffers(network, spare, Family.ICE40, 1)
    assert saved[first] == best
    assert not large_buffers(network, spare, Family.ICE40, 0)
    assert len(large_buffers(network, spare, Family.ICE40, 4)) == 4


def test_pixels_of_few_channels_are_left_where_they_are():
    network = residual_network(Coding.RADIX, steps=2, stages=((3, 1),), size=6)
    assert not large_buffers(network, default_spare_rows(network), Family.ICE40, 4)


def test_a_plan_uses_them_and_says_so(network):
    plain, large = (
        Planner(network, None, Family.ICE40, count).reaching(1e6, Budget(20_000, 200))
        for count in (0, 4)
    )
    assert plain.area.large_rams == 0 < large.area.large_rams <= 4
    assert large.area.block_rams < plain.area.block_rams
    assert all(fold.style == COMPACT for fold in large.folding)
    check_folding(network, large.folding)


def test_only_row_words_lie_in_them(network):
    fold = LayerFolding(4, 1, (False,))
    assert with_large_rows(network, 1, fold, frozenset({(1, 0)})).large_rows is None
    folding = tuple(
        LayerFolding(4, 1, None if index else (False,)) for index in range(len(network.layers))
    )
    wrong = (folding[0], replace(fold, large_rows=(True,)), *folding[2:])
    with pytest.raises(RheobaseError, match=r"large_rows of layer .* is \(True,\), must be"):
        check_folding(network, wrong)
