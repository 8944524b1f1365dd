"""Window buffer: which columns of which windows come out, in order, against NumPy slicing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rheobase.hw.design.geometry import WindowGeometry
from rheobase.hw.design.payloads import SlabLayout
from rheobase.hw.design.style import COMPACT, FAST
from rheobase.hw.memories.devices import Family
from rheobase.hw.memories.memory_mapping import mapped_memory
from rheobase.hw.memories.memory_shape import MemoryShape
from rheobase.hw.memories.row_banks import row_banks
from rheobase.hw.window.window_buffer import WindowBuffer
from rheobase.hw.window.window_gather import WindowGather
from tests.support.simulation.components import check_exchange, word


def _geometry(
    *,
    rows,
    columns,
    kernel,
    stride,
    padding,
    pool,
    channels,
    planes=1,
    steps=1,
    apart=1,
    taps=None,
    row_words=False,
    step_planes=1,
):
    pool_kernel, pool_stride, pool_padding = pool
    reach = (kernel - 1) * apart + 1
    conv = tuple((extent + 2 * padding - reach) // stride + 1 for extent in (rows, columns))
    output = tuple((extent + 2 * pool_padding - pool_kernel) // pool_stride + 1 for extent in conv)
    return WindowGeometry(
        channels=channels,
        rows=rows,
        columns=columns,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        origin=(-padding - pool_padding * stride,) * 2,
        pool_kernel=(pool_kernel,) * 2,
        pool_stride=(pool_stride,) * 2,
        pool_padding=(pool_padding,) * 2,
        conv=conv,
        output=output,
        planes=planes,
        steps=steps,
        spare_rows=1,
        offsets=(tuple(range(0, reach, apart)),) * 2,
        valid_taps=taps and tuple(tuple(taps[axis][: output[axis]]) for axis in range(2)),
        row_words=row_words,
        step_planes=step_planes,
    )


def _expected_slabs(g, maps, groups, plane_by_plane, pad, collapse=True, fed=None, repeats=1):
    """Slabs of every image; ``maps`` is (images, rows, columns, steps, planes, channels)."""
    slabs = []
    for image in maps:
        for oy in range(g.output[0]):
            for ox in range(g.output[1]):
                slabs += _output_slabs(
                    g, image, oy, ox, groups, plane_by_plane, pad, collapse, fed, repeats
                )
    return slabs


def _output_slabs(g, image, oy, ox, groups, plane_by_plane, pad, collapse, fed, repeats):
    windows, busy, blank = {}, [], []
    for index, (py, px) in enumerate(g.positions):
        cy = oy * g.pool_stride[0] - g.pool_padding[0] + py
        cx = ox * g.pool_stride[1] - g.pool_padding[1] + px
        if not (0 <= cy < g.conv[0] and 0 <= cx < g.conv[1]):
            continue
        top = g.origin[0] + g.pool_padding[0] * g.stride[0] + cy * g.stride[0]
        left = g.origin[1] + g.pool_padding[1] * g.stride[1] + cx * g.stride[1]
        window = np.zeros((*g.kernel, *image.shape[2:]), dtype=bool)
        flagged = np.zeros(g.kernel, dtype=bool)
        for ky in range(g.kernel[0]):
            for kx in range(g.kernel[1]):
                y, x = top + g.taps[0][ky], left + g.taps[1][kx]
                inside = 0 <= y < g.rows and 0 <= x < g.columns
                flagged[ky, kx] = np.any(image[y, x] if inside else pad)
                if g.valid_taps:
                    inside &= g.valid_taps[0][oy] >> py * g.kernel[0] + ky & 1
                    inside &= g.valid_taps[1][ox] >> px * g.kernel[1] + kx & 1
                window[ky, kx] = image[y, x] if inside else pad
        windows[index] = window, flagged
        (busy if flagged.any() else blank).append(index)
    visits = sorted([*busy, *(blank[:1] if collapse else blank)])
    slabs = []
    planes = g.step_planes
    steps = max(g.steps // planes, repeats)
    for group in range(groups):
        outer = (
            [(p, None) for p in visits]
            if plane_by_plane
            else [(p, t) for t in range(steps) for p in visits]
        )
        for position, step in outer:
            # A tap that counts as padding is visited where the map has events there.
            window, flagged = windows[position]
            if fed is not None and group not in fed:
                window, flagged = np.zeros_like(window), np.zeros_like(flagged)
            # Kernel columns, or taps, column after column.
            places = [(slice(None), kx) for kx in range(g.kernel[1])]
            if g.row_words:
                places = [(slice(y, y + 1), x) for _, x in places for y in range(g.kernel[0])]
            parts = [window[place] for place in places]
            columns = [slab for slab, place in enumerate(places) if flagged[place].any()]
            times = range(g.steps) if plane_by_plane else range(planes * step, planes * (step + 1))
            times = times if columns else times[:1]
            beats = [(t, kx) for t in times for kx in (columns or [0])]
            for number, (t, kx) in enumerate(beats):
                bits = parts[kx][:, t if g.steps > 1 else 0]  # kernel rows, planes, channels
                single = plane_by_plane
                slabs.append(
                    {
                        "bits": [[[word(plane) for plane in row]] for row in bits],
                        "slab": kx,
                        "new_plane": int(t > times[0] and kx == columns[0]),
                        "last": int(number == len(beats) - 1),
                        "unit": {
                            "position": position,
                            "first_position": int(position == visits[0]),
                            "last_position": int(position == visits[-1]),
                            "first_step": int(single or step == 0),
                            "last_step": int(single or step == steps - 1),
                            "group": group,
                        },
                    }
                )
    return slabs


CASES = {
    "pooled": {"rows": 6, "columns": 5, "kernel": 3, "stride": 1, "padding": 1, "pool": (2, 2, 0)},
    "strided": {"rows": 7, "columns": 8, "kernel": 2, "stride": 2, "padding": 0, "pool": (1, 1, 0)},
    "overlapping": {
        "rows": 6,
        "columns": 6,
        "kernel": 2,
        "stride": 1,
        "padding": 1,
        "pool": (3, 2, 1),
    },
    "whole map": {
        "rows": 3,
        "columns": 2,
        "kernel": 2,
        "stride": 1,
        "padding": 0,
        "pool": (1, 1, 0),
    },
    # The flags that are read first are those that were written last.
    "one column": {
        "rows": 6,
        "columns": 1,
        "kernel": 1,
        "stride": 1,
        "padding": 0,
        "pool": (1, 1, 0),
    },
    # No footprint has a row of the map where its last row is.
    "one row": {"rows": 1, "columns": 4, "kernel": 2, "stride": 1, "padding": 1, "pool": (2, 2, 0)},
}


def _words(maps, width):
    """``maps`` (images, rows, columns, steps, 1, channels) as words of ``width`` channels."""
    *_, steps, _, channels = maps.shape
    return [
        word(pixel[t, low : low + width])
        for pixel in maps.reshape(-1, steps, channels)
        for low in range(0, channels, width)
        for t in range(steps)
    ]


@pytest.mark.parametrize(
    ("case", "plane_by_plane", "row_words", "compact", "single_port"),
    [
        *(
            pytest.param(
                case,
                plane_by_plane,
                False,
                False,
                False,
                marks=[pytest.mark.slow] * ((number + plane_by_plane) % 2),
            )
            for number, case in enumerate(CASES)
            for plane_by_plane in (False, True)
        ),
        pytest.param("pooled", False, True, False, False, marks=pytest.mark.slow),
        pytest.param("overlapping", True, True, False, False, marks=pytest.mark.slow),
        pytest.param("pooled", True, False, True, False, marks=pytest.mark.slow),
        ("one row", False, False, True, False),
        ("overlapping", True, True, True, False),
        ("strided", False, True, True, True),
        pytest.param("pooled", True, True, True, True, marks=pytest.mark.slow),
        ("pooled", False, True, False, True),
    ],
)
def test_spike_windows(case, plane_by_plane, row_words, compact, single_port):
    rng = np.random.default_rng(len(case))
    # A memory of one port writes four bits at a time.
    channels, steps, word_width, groups = (8, 3, 4, 2) if single_port else (5, 3, 2, 2)
    geometry = _geometry(**CASES[case], channels=channels, steps=steps, row_words=row_words)
    shape = (3, geometry.rows, geometry.columns, steps, 1, channels)
    maps = rng.random(shape) < 0.15
    maps[1] &= rng.random(shape[1:3])[:, :, None, None, None] < 0.3
    words = _words(maps, word_width)
    component = WindowBuffer(
        geometry,
        word_width=word_width,
        groups=groups,
        plane_by_plane=plane_by_plane,
        style=COMPACT if compact else FAST,
        single_port=single_port,
    )
    assert component.single_port == single_port
    check_exchange(
        component,
        {"words": (word_width, words)},
        {
            "slabs": (
                SlabLayout(geometry, 1, groups),
                _expected_slabs(geometry, maps, groups, plane_by_plane, False),
            )
        },
        ports={"steps": steps},
    )


@pytest.mark.parametrize(
    ("case", "zero_point", "compact"),
    [
        pytest.param("pooled", 0, False, marks=pytest.mark.slow),
        pytest.param("pooled", 0b101, False, marks=pytest.mark.slow),
        ("one row", 0b101, False),
        ("pooled", 0b101, True),
    ],
)
def test_pixel_windows_and_gather(case, zero_point, compact):
    rng = np.random.default_rng(5)
    channels, planes = 2, 3
    geometry = _geometry(**CASES[case], channels=channels, planes=planes)
    maps = rng.random((2, geometry.rows, geometry.columns, 1, planes, channels)) < 0.2
    pad_word = zero_point * 0b1001 % 64
    pad = np.array([pad_word >> i & 1 for i in range(planes * channels)], dtype=bool)
    pad = pad.reshape(planes, channels)
    words = [
        word(pixel.ravel()) for image in maps for pixel in image.reshape(-1, planes * channels)
    ]
    slabs = _expected_slabs(geometry, maps, 1, False, pad)
    component = WindowBuffer(
        geometry,
        word_width=planes * channels,
        groups=1,
        plane_by_plane=False,
        padding_bits=pad_word,
        style=COMPACT if compact else FAST,
    )
    layout = SlabLayout(geometry, 1, 1)
    check_exchange(
        component,
        {"words": (planes * channels, words)},
        {"slabs": (layout, slabs)},
        ports={"steps": 1},
    )
    # The same columns, gathered into windows: columns that were left out are zero.
    windows, bits, size = [], None, geometry.kernel[0]
    for slab in slabs:
        if bits is None:
            bits = [[[0] * planes for _ in range(size)] for _ in range(size)]
        for row in range(size):
            bits[row][slab["slab"]] = slab["bits"][row][0]
        if slab["last"]:
            windows.append(
                {"bits": bits, "slab": 0, "new_plane": 0, "last": 1, "unit": slab["unit"]}
            )
            bits = None
    gather = WindowGather(geometry, 1, style=COMPACT if compact else FAST)
    check_exchange(
        gather, {"columns": (layout, slabs)}, {"windows": (gather.window_layout, windows)}
    )


@pytest.mark.parametrize(
    ("case", "row_words", "compact", "single_port", "steps"),
    [
        pytest.param("overlapping", False, False, False, 3, marks=pytest.mark.slow),
        ("pooled", True, True, False, 3),
        ("strided", True, True, True, 3),
        ("strided", False, False, False, 1),
    ],
)
def test_windows_of_a_source_with_two_planes_a_step(case, row_words, compact, single_port, steps):
    rng = np.random.default_rng(len(case))
    channels, word_width, groups = (8, 4, 2) if single_port else (5, 2, 2)
    geometry = _geometry(
        **CASES[case], channels=channels, steps=2 * steps, row_words=row_words, step_planes=2
    )
    maps = rng.random((3, geometry.rows, geometry.columns, 2 * steps, 1, channels)) < 0.1
    maps[1] &= rng.random(maps.shape[1:3])[:, :, None, None, None] < 0.3
    component = WindowBuffer(
        geometry,
        word_width=word_width,
        groups=groups,
        plane_by_plane=False,
        style=COMPACT if compact else FAST,
        single_port=single_port,
    )
    slabs = _expected_slabs(geometry, maps, groups, False, False)
    assert {slab["new_plane"] for slab in slabs} == {0, 1}
    check_exchange(
        component,
        {"words": (word_width, _words(maps, word_width))},
        {"slabs": (SlabLayout(geometry, 1, groups), slabs)},
        ports={"steps": steps},
    )


@pytest.mark.parametrize(
    ("plane_by_plane", "row_words"), [(True, False), (False, True)], ids=["columns", "rows"]
)
def test_windows_of_a_summed_connection(plane_by_plane, row_words):
    """Every position is visited, groups that are not fed are blank, the kernel is dilated."""
    rng = np.random.default_rng(8)
    channels, steps = 3, 2
    case = {"rows": 7, "columns": 6, "kernel": 2, "stride": 1, "padding": 1, "pool": (2, 2, 1)}
    taps = None
    if row_words:
        # Taps of a sum_pool that are beyond the summed map, some of them in the map.
        taps = tuple(tuple(rng.integers(1, 16, 9).tolist()) for _ in range(2))
    geometry = _geometry(
        **case, channels=channels, steps=steps, apart=2, taps=taps, row_words=row_words
    )
    maps = rng.random((3, geometry.rows, geometry.columns, steps, 1, channels)) < 0.1
    words = [word(w) for image in maps for w in image.reshape(-1, channels)]
    options = {"collapse": False, "fed": range(1, 3)}
    component = WindowBuffer(
        geometry, word_width=channels, groups=4, plane_by_plane=plane_by_plane, **options
    )
    slabs = _expected_slabs(geometry, maps, 4, plane_by_plane, False, **options)
    check_exchange(
        component,
        {"words": (channels, words)},
        {"slabs": (SlabLayout(geometry, 1, 4), slabs)},
        ports={"steps": steps},
    )


def test_pixels_beside_spikes_come_anew_at_each_step():
    """With taps that count as padding although the map has pixels there."""
    rng = np.random.default_rng(9)
    channels, planes = 2, 2
    taps = ((0b11, 0b01, 0b11, 0b10, 0b11, 0b11, 0b11),) * 2
    case = {"rows": 5, "columns": 4, "kernel": 2, "stride": 1, "padding": 1, "pool": (1, 1, 0)}
    geometry = _geometry(**case, channels=channels, planes=planes, taps=taps)
    maps = rng.random((2, geometry.rows, geometry.columns, 1, planes, channels)) < 0.3
    pad_word = 0b0110
    pad = np.array([pad_word >> i & 1 for i in range(4)], dtype=bool).reshape(planes, channels)
    options = {"collapse": False, "repeats": 3}
    component = WindowBuffer(
        geometry, word_width=4, groups=2, plane_by_plane=False, padding_bits=pad_word, **options
    )
    words = [word(pixel.ravel()) for image in maps for pixel in image.reshape(-1, 4)]
    slabs = _expected_slabs(geometry, maps, 2, False, pad, **options)
    # All columns are visited, as a pixel of the map may count as padding.
    slabs = _with_every_column(slabs, geometry)
    check_exchange(
        component,
        {"words": (4, words)},
        {"slabs": (SlabLayout(geometry, 1, 2), slabs)},
        ports={"steps": 3},
    )


def _with_every_column(slabs, geometry):
    """``slabs`` of pixel windows, each unit filled up with the columns that hold no event."""
    filled, unit = [], {}
    for slab in slabs:
        unit[slab["slab"]] = slab["bits"]
        if slab["last"]:
            empty = [[[0] * geometry.planes] for _ in range(geometry.kernel[0])]
            for column in range(geometry.kernel[1]):
                last = int(column == geometry.kernel[1] - 1)
                bits = unit.get(column, empty)
                filled.append(slab | {"bits": bits, "slab": column, "last": last})
            unit = {}
    return filled


def test_rows_in_two_memories():
    rng = np.random.default_rng(3)
    channels, steps, width = 64, 9, 16
    geometry = _geometry(
        rows=5,
        columns=8,
        kernel=2,
        stride=1,
        padding=0,
        pool=(1, 1, 0),
        channels=channels,
        steps=64,
        row_words=True,
    )
    maps = rng.random((2, 5, 8, steps, 1, channels)) < 0.002
    component = WindowBuffer(geometry, word_width=width, groups=1, plane_by_plane=False)
    assert [bank.words for bank in component.row_banks] == [1024, 512]
    check_exchange(
        component,
        {"words": (width, _words(maps, width))},
        {
            "slabs": (
                SlabLayout(geometry, 1, 1),
                _expected_slabs(replace(geometry, steps=steps), maps, 1, False, False),
            )
        },
        ports={"steps": steps},
    )


@given(
    words=st.integers(2, 20_000),
    width=st.integers(1, 150),
    parts=st.integers(1, 8),
    compact=st.booleans(),
)
def test_banks_of_rows_hold_all_of_them(words, width, parts, compact):
    whole = MemoryShape(words, width, -(-width // parts), "block", apart=True)
    banks = row_banks(whole, split=not compact)
    assert sum(bank.words for bank in banks) == words
    # Each address tells its bank by its upper bits.
    base = 0
    for bank in banks:
        assert bank is banks[-1] or bank.words & (bank.words - 1) == 0
        assert base % (1 << (bank.words - 1).bit_length()) == 0
        base += bank.words
    blocks = [mapped_memory(shape, Family.ECP5).block_rams for shape in (whole, *banks)]
    assert sum(blocks[1:]) <= blocks[0]
    assert len(banks) == 1 or not compact


@pytest.mark.parametrize(
    ("words", "width", "written", "expected"),
    [
        # Blocks of 4,096 x 4, 1,024 x 18, 2,048 x 9 and 512 x 36.
        (5120, 16, 8, [4096, 1024]),
        (2560, 32, 32, [2048, 512]),
        (1536, 64, 8, [1024, 512]),
        (4096, 16, 8, [4096]),
        (768, 16, 4, [768]),
    ],
)
def test_banks_of_rows(words, width, written, expected):
    banks = row_banks(MemoryShape(words, width, written, "block", apart=True))
    assert [bank.words for bank in banks] == expected
