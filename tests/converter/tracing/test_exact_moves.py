"""Values that move, sums over parts of a map, rows of values: planned networks against torch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import rheobase
from rheobase.converter.lower.plan import plan_layers
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.tracing.trace import trace
from tests.support.models.lowered import assert_integers
from tests.support.networks.planned import Lambda, assert_planned

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def shuffle(x):
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


#: What stands between a ReLU of 4 x 6 x 5 and a linear layer.
MOVES = {
    "order of channels": lambda x: x[:, [2, 1, 0, 3]],
    "index_select": lambda x: x.index_select(1, torch.tensor([3, 3, 0])),
    "flip of channels": lambda x: x.flip(1),
    "roll of channels": lambda x: x.roll(1, 1),
    "shuffle": shuffle,
    "ChannelShuffle": nn.ChannelShuffle(2),
    "repeat": lambda x: x[:, :1].repeat(1, 3, 1, 1),
    "expand": lambda x: x[:, 1:2].expand(-1, 3, -1, -1),
    "expand by size": lambda x: x[:, 1:2].expand(len(x), 3, x.size(2), x.size(3)),
    "PixelUnshuffle": lambda x: nn.functional.pixel_unshuffle(x[..., :4], 2),
    "space to depth": lambda x: (
        x[..., :4].reshape(len(x), 4, 3, 2, 2, 2).permute(0, 3, 5, 1, 2, 4).flatten(1, 3)
    ),
    "channels last": lambda x: x.permute(0, 2, 3, 1),
    "columns first": lambda x: x.transpose(2, 3),
    "mean over channels": lambda x: x.mean(1, keepdim=True),
    "sum over channels": lambda x: x.sum(1),
    "mean over rows": lambda x: x.mean(2),
    "mean over columns": lambda x: x.mean(-1, keepdim=True),
    "mean twice": lambda x: x.mean(3).mean(2),
    "sum": lambda x: x.sum((2, 3)),
    "sum twice": lambda x: x.sum(-1).sum(-1),
    "amax": lambda x: x.amax((2, 3)),
    "max over rows": lambda x: x.max(2)[0],
    "max over columns": lambda x: x.max(3, keepdim=True).values,
    "squeezed": lambda x: x.mean((2, 3), keepdim=True).squeeze(3).squeeze(2),
    "rows as columns": lambda x: x.mean(3)[:, :, 1:5:2],
}


@pytest.mark.parametrize("name", MOVES)
def test_moves_and_reductions(name):
    torch.manual_seed(0)
    move = MOVES[name] if isinstance(MOVES[name], nn.Module) else Lambda(MOVES[name])
    body = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), move, nn.Flatten())
    features = body(torch.zeros(1, 2, 6, 5)).shape[1]
    assert_planned(nn.Sequential(*body, nn.Linear(features, 3)), (2, 6, 5), 2)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.permutations(range(3)), st.permutations(range(6)), st.integers(0, 2**16))
def test_any_order_in_front_of_weights(dimensions, channels, seed):
    """Channels in any order in front of a convolution, dimensions in any before a linear layer."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(2, 6, 1),
        nn.ReLU(),
        Lambda(lambda x: x[:, list(channels)]),
        nn.Conv2d(6, 4, 3, padding=1, groups=2),
        nn.ReLU(),
        Lambda(lambda x: x.permute(0, *(axis + 1 for axis in dimensions)).reshape(len(x), -1)),
        nn.Linear(4 * 4 * 3, 3),
    )
    assert_planned(model, (2, 4, 3), 3)


def rows(*layers):
    torch.manual_seed(0)
    return nn.Sequential(*layers)


#: Networks on (2 channels, 20 values).
ROWS = {
    "classifier": (
        nn.Conv1d(2, 4, 5, stride=2),
        nn.BatchNorm1d(4),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.Conv1d(4, 6, 3, padding=1, groups=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24, 3),
    ),
    "averages": (
        nn.Conv1d(2, 4, 3, dilation=2, padding="same"),
        nn.ReLU6(),
        nn.AvgPool1d(3, 2, 1),
        nn.BatchNorm1d(4),
        nn.Conv1d(4, 4, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ),
    "map": (nn.ConstantPad1d((2, 1), 0.5), nn.Conv1d(2, 4, 3), nn.LeakyReLU(), nn.Conv1d(4, 2, 1)),
    "mean": (
        nn.Conv1d(2, 4, 3),
        nn.ReLU(),
        Lambda(lambda x: x[..., 1::2].mean(-1)),
        nn.Linear(4, 3),
    ),
    "largest": (
        nn.Conv1d(2, 4, 3),
        nn.ReLU(),
        nn.AdaptiveMaxPool1d(3),
        nn.Flatten(1),
        nn.Linear(12, 3),
    ),
    "as a map": (
        Lambda(lambda x: x.unsqueeze(2)),
        nn.Conv2d(2, 4, (1, 3)),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(72, 3),
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_of_values_are_maps_of_one_row(name):
    assert_planned(rows(*ROWS[name]), (2, 20))


def test_rows_in_integers():
    made = assert_integers(rows(*ROWS["classifier"]), (2, 20))
    assert made.network.input_shape == (2, 1, 20)


@pytest.mark.parametrize(
    ("move", "message"),
    [
        (lambda x: x.flip(3), r"2\.flip \(flip"),
        (lambda x: x.roll(1, 2), r"2\.roll \(roll"),
        (lambda x: x.transpose(1, 2), r"2\.transpose \(transpose: dimensions in the order"),
        (lambda x: x.repeat(1, 1, 2, 1), r"2\.repeat \(repeat"),
        (lambda x: x.view(len(x), 2, 12, 5), r"2\.view \(view: reshape"),
    ],
)
def test_moved_pixels_are_refused(move, message):
    layers = (nn.Conv2d(2, 4, 1), nn.ReLU(), Lambda(move))
    channels = nn.Sequential(*layers)(torch.zeros(1, 2, 6, 5)).shape[1]
    model = nn.Sequential(*layers, nn.Conv2d(channels, 2, 1)).eval()
    with pytest.raises(rheobase.RheobaseError, match=message) as caught:
        plan_layers(prepared(trace(model, (2, 6, 5))), counted=False)
    assert "\n" not in str(caught.value)
