"""A network that breaks one of the description's rules is refused, by the field's name."""

from dataclasses import replace

import numpy as np
import pytest

from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Pool,
    Readout,
    RheobaseError,
    SumPool,
)

WEIGHT = np.ones((4, 2, 3, 3), np.int8)
_SIXES = np.full(4, 6, np.int32)


def _layer(name, *connections, channels=4, fires=True, pool=None):
    threshold = np.ones(channels, np.int32) if fires else None
    return Layer(name, connections, np.zeros(channels, np.int32), threshold, threshold, pool)


def _network():
    """Image 2 x 6 x 6; "a" of 4 x 6 x 6, "map" (read out), "b" of "a" and the image, and "c"."""
    same = (1, 1, 1, 1)
    one = np.ones((4, 1, 1, 1), np.int8)
    return Network(
        (2, 6, 6),
        np.zeros(2, np.uint8),
        (
            _layer("a", Connection(IMAGE, WEIGHT, padding=same)),
            _layer("map", Connection(0, one, groups=4), fires=False),
            _layer(
                "b",
                Connection(0, one, groups=4),
                Connection(IMAGE, WEIGHT[:2], padding=same, out_start=2),
                pool=Pool((2, 2), (2, 2)),
            ),
            _layer(
                "c",
                Connection(2, WEIGHT, in_start=1, sum_pool=SumPool((1, 1), (1, 1))),
                fires=False,
            ),
        ),
        Coding.RATE,
        4,
        1,
        Readout.CURRENT,
        (1, 3),
    )


def _change(index, number=None, **fields):
    """``fields`` of a layer, or of a connection of it, are others."""

    def change(network):
        layers = list(network.layers)
        if number is None:
            layers[index] = replace(layers[index], **fields)
        else:
            connections = list(layers[index].connections)
            connections[number] = replace(connections[number], **fields)
            layers[index] = replace(layers[index], connections=tuple(connections))
        return replace(network, layers=tuple(layers))

    return change


def _outputs(*outputs):
    return lambda network: replace(network, outputs=outputs)


def _without_map(network):
    """Nobody sees layer "map" any more, nor is it read out; it fires as all hidden layers do."""
    ones = np.ones(4, np.int32)
    first, unseen, *others = network.layers
    unseen = replace(unseen, threshold=ones, initial_potential=ones)
    return replace(network, layers=(first, unseen, *others), outputs=(3,))


REFUSED = {
    "source after": (_change(0, 0, source=0), "'a': connection 0: source is 0, .* in -1..-1"),
    "source itself": (_change(2, 0, source=2), r"'b': connection 0: source is 2, .* in -1\.\.1"),
    "source type": (_change(2, 0, source=True), "source is True"),
    "source without neurons": (_change(2, 0, source=1), "source is 1, a layer without neurons"),
    "weight shape": (_change(0, 0, weight=WEIGHT[0]), r"weight has shape \(2, 3, 3\)"),
    "weight type": (_change(0, 0, weight_bits=9), "weight is int8 .* must be int16"),
    "wide weight type": (
        _change(0, 0, weight=WEIGHT.astype(np.int16)),
        "weight is int16 .* must be int8",
    ),
    "weight range": (_change(0, 0, weight=2 * WEIGHT, weight_bits=2), r"weight spans 2\.\.2"),
    "weight bits": (_change(0, 0, weight_bits=17), r"weight_bits is 17, .* in 2\.\.16"),
    "too many inputs": (_change(0, 0, groups=2), "weight has 4 input channels, .* at most 2"),
    "groups": (_change(1, 0, groups=3), "groups is 3, must be a divisor of its 4 output"),
    "too many outputs": (
        _change(
            0,
            bias=np.zeros(3, np.int32),
            threshold=np.ones(3, np.int32),
            initial_potential=np.ones(3, np.int32),
        ),
        "weight has 4 output channels, must be at most 3",
    ),
    "in_start": (_change(3, 0, in_start=3), r"in_start is 3, must be an integer in 0\.\.2"),
    "out_start": (_change(2, 1, out_start=3), r"out_start is 3, must be an integer in 0\.\.2"),
    "dilation": (_change(0, 0, dilation=(0, 1)), "dilation is 0, must be"),
    "padding of a dilated kernel": (
        _change(0, 0, dilation=(2, 1), padding=(5, 0, 0, 0)),
        r"top padding is 5, .*\.\.4",
    ),
    "padding of a kernel": (_change(0, 0, padding=(0, 0, 0, 3)), r"right padding is 3, .*\.\.2"),
    "crop of everything": (_change(0, 0, padding=(-3, 0, -1, 0)), "convolution's output is 0 x 4"),
    "sum_pool type": (_change(3, 0, sum_pool=(1, 1)), r"sum_pool is \(1, 1\), must be"),
    "sum_pool kernel": (_change(3, 0, sum_pool=SumPool((0, 1), (1, 1))), "sum_pool kernel is 0"),
    "sum_pool padding": (
        _change(3, 0, sum_pool=SumPool((2, 1), (1, 1), (0, 0, 2, 0))),
        r"sum_pool bottom padding is 2, .* 0\.\.1",
    ),
    "sum_pool crop": (
        _change(3, 0, sum_pool=SumPool((2, 1), (1, 1), (0, 0, -1, 0))),
        "sum_pool padding is -1",
    ),
    "sum_pool output": (
        _change(3, 0, sum_pool=SumPool((4, 1), (1, 1))),
        "sum_pool's output is 0 x 3",
    ),
    "unequal maps": (
        _change(2, 1, padding=(0, 0, 0, 0)),
        "'b': connection 1 gives a map of 4 x 4, must be 6 x 6 as from connection 0",
    ),
    "no connections": (_change(2, connections=()), "'b': connections is empty"),
    "connections type": (_change(2, connections=(3,)), "'b': connection 0: int, must"),
    "bias": (_change(0, bias=np.zeros((4, 1), np.int32)), r"bias has shape \(4, 1\), must be"),
    "hidden without neurons": (_change(0, threshold=None), "'a': threshold is NoneType, must be"),
    "output with neurons": (
        _change(1, threshold=np.ones(4, np.int32)),
        "'map': threshold is given, .* output of a",
    ),
    "signed output": (
        _change(1, negative_threshold=np.ones(4, np.int32)),
        "'map': negative_threshold is given, .* output of a 'current'",
    ),
    "negative threshold type": (
        _change(0, negative_threshold=np.ones(4, np.int64)),
        "'a': negative_threshold is int64 .*, must be int32",
    ),
    "negative threshold too small": (
        _change(0, threshold=np.array([1, 1, 7, 1], np.int32), negative_threshold=_SIXES),
        "'a': negative_threshold of channel 2 is 6, must be at least its threshold, 7",
    ),
    "own T in rate": (_change(0, steps=2), "'a': steps is 2, must be none in rate coding"),
    "output with a pool": (_change(3, pool=Pool((1, 1), (1, 1))), "'c': pool is given, must be"),
    "pool type": (_change(2, pool=(2, 2)), r"'b': pool is \(2, 2\), must be"),
    "layer type": (lambda n: replace(n, layers=(*n.layers[:3], None)), "layer 3: NoneType, must"),
    "name": (_change(2, name="a"), "layer 2: name 'a' is taken by layer 0"),
    "no outputs": (_outputs(), r"outputs is \(\), must be"),
    "outputs out of range": (_outputs(1, 4), r"outputs has an index that is 4, .* in 0\.\.3"),
    "outputs in disorder": (_outputs(3, 1), r"outputs is \(3, 1\), must be an ascending"),
    "outputs twice": (_outputs(1, 3, 3), r"outputs is \(1, 3, 3\), must be an ascending"),
    "last is no output": (_outputs(1), "must have the last layer"),
    "unused": (_without_map, "layer 'map': no connection sees it"),
}


def test_the_network_itself_is_accepted():
    network = _network()
    assert network.output_shapes == ((4, 6, 6), (4, 1, 1)) and network.classes == 4
    assert not network.layers[0].connections[0].weight.flags.writeable


@pytest.mark.parametrize("change", REFUSED)
def test_refused(change):
    break_rule, message = REFUSED[change]
    with pytest.raises(RheobaseError, match=message) as error:
        break_rule(_network())
    assert "\n" not in str(error.value)


def test_a_signed_layer_is_not_counted():
    layer = replace(_layer("a", Connection(IMAGE, WEIGHT)), negative_threshold=_SIXES)
    with pytest.raises(RheobaseError, match=r"'a': negative_threshold is given, .* a 'count'"):
        Network(
            (2, 6, 6),
            np.zeros(2, np.uint8),
            (layer,),
            Coding.RATE,
            4,
            1,
            Readout.COUNT,
            (0,),
        )


def test_numbers_past_float64_are_refused():
    weight = np.full((1, 2**14, 1, 1), 2**15 - 1, np.int16)
    connection = Connection(IMAGE, weight, 16, sum_pool=SumPool((256, 1), (1, 1)))
    layer = Layer("wide", (connection,), np.zeros(1, np.int32), None, None)

    def build(steps):
        zeros = np.zeros(2**14, np.uint8)
        return Network(
            (2**14, 256, 1), zeros, (layer,), Coding.RATE, steps, 0, Readout.CURRENT, (0,)
        )

    assert build(200).steps == 200
    with pytest.raises(RheobaseError, match=r"'wide': .* may reach \d+, must be below 2\*\*53"):
        build(300)
