"""Which memories are made of blocks."""

import pytest

from rheobase.hw.memories.memory_shape import memory_style


@pytest.mark.parametrize(
    ("words", "width", "block"),
    # By hand: 24 x 128 is 64 distributed RAMs, 384 LUTs, for 4 blocks; 9 x 4 is one, 6 LUTs.
    [(24, 128, True), (9, 4, False), (16, 36, True), (16, 16, False), (72, 192, True)],
)
def test_style_follows_size(words, width, block):
    assert memory_style(words, width) == ({"ram_style": "block"} if block else {})
