"""What the commands' tables say of a layer."""

import pytest

from rheobase.hw.design.folding import LaneKind
from rheobase.results.hardware import ComparedLayer
from rheobase.tables import lanes_text


@pytest.mark.quick
@pytest.mark.parametrize(
    ("kind", "lanes", "text"),
    [
        (LaneKind.EVENTS, [2], "2"),
        (LaneKind.EVENTS, [0, 4], "direct+4"),
        (LaneKind.GRAPH, [0], "graph"),
    ],
)
def test_lanes_of_a_layer(kind, lanes, text):
    layer = ComparedLayer("a", kind.value, 8, lanes, 0.5, [10.0], None, 100, 0)
    assert lanes_text(layer) == text
