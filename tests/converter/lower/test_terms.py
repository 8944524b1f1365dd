"""Sums of terms against torch: chains of random linear operations, in float64."""

import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from hypothesis import given, settings
from hypothesis import strategies as st

from rheobase.converter.linear import linear_operations as linear
from rheobase.converter.linear.compose import merged, within_padding
from rheobase.converter.linear.terms import Kernel, NotLowerable, Term, Value, source_value
from rheobase.golden.network.network import SumPool
from tests.support.networks.planned import value_map


def evaluated(value: Value, sources: dict[str, torch.Tensor]) -> torch.Tensor:
    """By torch, with the paddings that connections want."""
    terms = tuple(map(within_padding, value.terms))
    for kernel in (term.kernel for term in terms):
        assert all(kernel.padding[side] < kernel.extent[side % 2] for side in range(4))
    return value_map(Value(value.shape, value.bias, terms), sources)


class Chain:
    """The same random operations on a ``Value`` and on torch tensors."""

    def __init__(self, draw) -> None:
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.names = 0

    def pick(self, *choices):
        return self.draw(st.sampled_from(choices))

    def array(self, *shape) -> np.ndarray:
        return self.rng.standard_normal(shape)

    def convolution(self, value, flow):
        channels = value.channels
        groups = self.pick(*[g for g in (1, 2, 3, channels) if channels % g == 0])
        outs = groups * self.pick(1, 2)
        taps = self.pick((1, 1), (1, 1), (3, 3), (1, 3), (2, 2))
        stride = self.pick((1, 1), (1, 1), (2, 2), (1, 2))
        dilation = self.pick((1, 1), (1, 1), (2, 1))
        padding = self.pick((0, 0, 0, 0), (0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 2, 0))
        weight = self.array(outs, channels // groups, *taps)
        bias = self.array(outs) * self.pick(0, 1)
        kernel = Kernel(weight, stride, padding, dilation, groups)
        top, left, bottom, right = padding
        flow = functional.pad(flow, (left, right, top, bottom))
        after = functional.conv2d(
            flow, torch.from_numpy(weight), torch.from_numpy(bias), stride, 0, dilation, groups
        )
        return linear.convolved(value, kernel, bias, "conv"), after

    def average(self, value, flow):
        window, stride, pad = self.pick(
            ((2, 2), (2, 2), 0), ((3, 3), (1, 1), 1), ((2, 1), (1, 1), 0)
        )
        found = linear.average_pooled(value, window, stride, (pad,) * 4, "pool")
        return found, functional.avg_pool2d(flow, window, stride, pad)

    def adaptive(self, value, flow):
        cells = self.pick((1, 1), (2, 2), (3, 1))
        if any(extent % cell for extent, cell in zip(value.size, cells, strict=True)):
            return value, flow
        found = linear.adaptively_pooled(value, cells, "gap")
        return found, functional.adaptive_avg_pool2d(flow, cells)

    def norm(self, value, flow):
        gain, shift = self.array(value.channels), self.array(value.channels) * self.pick(0, 1)
        columns = (torch.from_numpy(part)[:, None, None] for part in (gain, shift))
        scale, offset = columns
        return linear.scaled(value, gain, shift, "bn"), flow * scale + offset

    def slice_channels(self, value, flow):
        start = self.rng.integers(0, value.channels)
        stop = self.rng.integers(start + 1, value.channels + 1)
        return linear.channel_range(value, start, stop), flow[:, start:stop]

    def slice_pixels(self, value, flow):
        step, start = self.pick((2, 0), (2, 1), (1, 1))
        if start >= value.size[0]:
            return value, flow
        after = flow[:, :, start::step, ::step]
        found = linear.pixels(value, (start, 0), (step, step), tuple(after.shape[2:]), "slice")
        return found, after

    def pad(self, value, flow):
        margins = self.pick((0, 0, 0, 0), (1, 0, 2, 1), (0, -1, 0, 1))
        front, back = self.pick((0, 0), (2, 1), (0, 3))
        top, left, bottom, right = margins
        constant = self.pick(0.0, 0.0, 0.75)
        after = functional.pad(flow, (left, right, top, bottom, front, back), value=constant)
        return linear.padded(value, margins, (front, back), constant, "pad"), after

    def concatenate(self, value, flow):
        other, more = self.norm(value, flow)
        parts = [(value, flow), (other, more)]
        return (
            linear.concatenated([part[0] for part in parts]),
            torch.cat([part[1] for part in parts], 1),
        )

    def add(self, value, flow):
        other, more = self.norm(value, flow)
        return linear.added([value, other]), flow + more


STEPS = [
    "convolution",
    "convolution",
    "average",
    "adaptive",
    "norm",
    "slice_channels",
    "slice_pixels",
    "pad",
    "concatenate",
    "add",
]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_random_chains_equal_torch(data):
    """Up to five operations on two sources; what is refused must change nothing before it."""
    chain = Chain(data.draw)
    sources = {
        name: torch.from_numpy(chain.array(2, channels, 9, 8))
        for name, channels in (("a", 4), ("b", 2))
    }
    starts = [source_value(name, tuple(flow.shape[1:])) for name, flow in sources.items()]
    value, flow = linear.concatenated(starts), torch.cat(list(sources.values()), 1)
    for _ in range(data.draw(st.integers(1, 5))):
        step = chain.pick(*STEPS)
        try:
            value, flow = getattr(chain, step)(value, flow)
        except NotLowerable:
            continue
        except RuntimeError:  # torch: a kernel larger than its map
            break
        assert value.shape == tuple(flow.shape[1:])
        if value.channels > 40:
            break
    torch.testing.assert_close(evaluated(value, sources), flow, rtol=1e-9, atol=1e-9)
    fewer = Value(value.shape, value.bias, merged(value.terms))
    assert len(fewer.terms) <= len(value.terms)
    torch.testing.assert_close(evaluated(fewer, sources), flow, rtol=1e-9, atol=1e-9)


def _term(rng, taps, *, padding=(0, 0), dilation=(1, 1), groups=1, channels=4, **options):
    weight = rng.standard_normal((channels, channels // groups, *taps))
    sides = (padding[0], padding[1], padding[0], padding[1])
    kernel = Kernel(weight, padding=sides, dilation=dilation, groups=groups)
    return Term("a", (6, 7, 7), kernel, **options)


@pytest.mark.parametrize(
    ("small", "count"),
    [
        ({"taps": (1, 1)}, 1),
        ({"taps": (1, 3), "padding": (0, 1)}, 1),
        ({"taps": (3, 3), "padding": (1, 1), "groups": 2}, 1),
        ({"taps": (2, 1), "padding": (1, 0), "dilation": (2, 1)}, 1),  # taps -1 and 1
        ({"taps": (1, 1), "channels": 2, "in_start": 2, "out_start": 2}, 1),
        ({"taps": (1, 1), "in_start": 1}, 2),  # a channel that the larger does not see
        ({"taps": (1, 1), "groups": 4}, 2),  # a shortcut keeps its width
        ({"taps": (3, 3), "padding": (2, 2), "dilation": (2, 2)}, 2),  # taps -2, 0 and 2
        ({"taps": (1, 5), "padding": (0, 2)}, 2),
        ({"taps": (1, 1), "sum_pool": SumPool((1, 1), (1, 1))}, 2),
    ],
)
def test_two_terms_become_one_where_the_larger_has_all_taps(small, count):
    rng = np.random.default_rng(0)
    terms = [_term(rng, **small), _term(rng, (3, 3), padding=(1, 1))]
    flow = {"a": torch.from_numpy(rng.standard_normal((2, 6, 7, 7)))}
    bias = np.zeros(4)
    fewer = merged(terms)
    assert len(fewer) == count
    torch.testing.assert_close(
        value_map(Value((4, 7, 7), bias, fewer), flow),
        value_map(Value((4, 7, 7), bias, tuple(terms)), flow),
        rtol=1e-12,
        atol=1e-12,
    )
