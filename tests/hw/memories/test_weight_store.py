"""WeightStore against the weights themselves, and its layouts against what they must hold."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rheobase.hw.design.folding import WeightMemory
from rheobase.hw.design.style import COMPACT, FAST
from rheobase.hw.memories.devices import Family
from rheobase.hw.memories.memory_mapping import mapped_memory
from rheobase.hw.memories.memory_shape import weight_memory
from rheobase.hw.memories.weight_banks import weight_banks
from rheobase.hw.memories.weight_store import WeightStore
from rheobase.sim.bench import run_bench


@given(words=st.integers(1, 40_000), width=st.integers(1, 300))
@example(words=1025, width=10)
def test_layout_holds_all_words(words, width):
    layout = weight_banks(words, width)
    capacity = 0
    for shape, segments in zip(layout.banks, layout.segments, strict=True):
        assert shape.width == segments * width
        # Only a last segment may be shorter than the others.
        assert shape.words == layout.depth or (shape is layout.banks[-1] and segments == 1)
        capacity += segments * shape.words
    # A memory of one word has two, as it has an address.
    one_left = layout.banks[-1].words == 2 and words % layout.depth in (0, 1)
    assert words <= capacity <= words + one_left
    blocks = sum(mapped_memory(shape, Family.ECP5).block_rams for shape in layout.banks)
    # Shallower segments take some more blocks than the fewest, each padded to whole ones.
    fewest = mapped_memory(weight_memory(words, width), Family.ECP5).block_rams
    assert blocks <= -(-fewest * 9 // 8) + 1


@pytest.mark.parametrize(
    ("words", "width", "depth", "segments", "blocks"),
    [
        (4608, 64, 2048, (2, 1), [15, 2]),
        (2304, 128, 2048, (1, 1), [15, 4]),
        (700, 32, 700, (1,), [2]),
        (9216, 32, 1024, (9,), [16]),
    ],
)
def test_layouts_of_deep_weights(words, width, depth, segments, blocks):
    """By hand: an ECP5's block has 18, 9, 4 bits of 1,024, 2,048, 4,096 words, and 36 of 512."""
    layout = weight_banks(words, width)
    assert (layout.depth, layout.segments) == (depth, segments)
    assert [mapped_memory(shape, Family.ECP5).block_rams for shape in layout.banks] == blocks


def test_one_memory_in_compact_layers():
    for style in (None, *WeightMemory):
        layout = weight_banks(4608, 64, style, split=False)
        assert [shape.words for shape in layout.banks] == [4608]


@pytest.mark.parametrize(
    ("words", "segments", "banks"),
    [(64, (1,), [(64, 5)]), (65, (2, 1), [(32, 10), (2, 5)]), (172, (5, 1), [(32, 25), (12, 5)])],
)
def test_tables_in_logic(words, segments, banks):
    layout = weight_banks(words, 5, WeightMemory.LOGIC)
    assert layout.segments == segments
    assert [(shape.words, shape.width) for shape in layout.banks] == banks


@pytest.mark.parametrize(
    ("words", "neurons", "bits", "style", "compact"),
    [
        (1, 1, 2, None, False),
        (40, 3, 4, None, False),
        pytest.param(600, 4, 8, WeightMemory.LOGIC, False, marks=pytest.mark.slow),
        (72, 4, 4, WeightMemory.LOGIC, False),
        (1100, 2, 8, None, False),
        (1300, 16, 8, None, False),
        pytest.param(4700, 4, 8, None, False, marks=pytest.mark.slow),
        (4700, 4, 8, None, True),
    ],
)
def test_word_of_an_address(words, neurons, bits, style, compact):
    rng = np.random.default_rng(words)
    limit = 1 << (bits - 1)
    weights = rng.integers(-limit, limit, (words, neurons))
    store = WeightStore(weights, bits, style, style=COMPACT if compact else FAST)
    # The borders of all segments, and others.
    addresses = {0, words - 1, *rng.integers(words, size=60).tolist()}
    addresses |= {a for edge in range(64, words, 64) for a in (edge - 1, edge)}
    packed = [
        sum((int(weight) & (2 * limit - 1)) << bits * n for n, weight in enumerate(row))
        for row in weights
    ]
    chosen = rng.permutation(sorted(addresses)).tolist()
    run_bench(
        store,
        "tests.hw.benches.weight_store_bench",
        {
            "seed": words,
            "latency": store.latency,
            "addresses": chosen,
            "words": [packed[address] for address in chosen],
        },
    )
