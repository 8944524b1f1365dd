"""What no network can be, and files that are no graphs: one line that names the place."""

from __future__ import annotations

import pickle

import h5py
import nir
import numpy as np
import pytest

from rheobase.converter.interop.nir.nir_export import export_nir
from rheobase.converter.interop.nir.nir_import import import_nir
from rheobase.golden import Coding, RheobaseError
from tests.support.networks.random_networks import with_signed_layers
from tests.support.networks.residual_networks import residual_network

ONES = np.ones(3)
WEIGHT = np.arange(12.0).reshape(3, 4)


def graph(more=None, edges=(), **changed) -> nir.NIRGraph:
    """Linear, IF and Linear, some nodes changed, some added."""
    nodes = {
        "in": nir.Input(np.array([4])),
        "first": nir.Linear(WEIGHT),
        "neurons": nir.IF(ONES, 5 * ONES),
        "last": nir.Linear(np.eye(3)),
        "out": nir.Output(np.array([3])),
    }
    chain = list(zip(list(nodes)[:-1], list(nodes)[1:], strict=True))
    nodes |= {**changed, **(more or {})}
    return nir.NIRGraph(nodes, [*chain, *edges], type_check=False)


def test_what_is_not_refused():
    assert import_nir(graph()).network.classes == 3


REFUSED = {
    "leak": (
        graph(neurons=nir.LIF(10 * ONES, ONES, 0 * ONES, ONES)),
        ["neurons", "LIF: a neuron that leaks, tau 10", "IF, or LIF with tau and r infinite"],
    ),
    "current": (
        graph(neurons=nir.CubaLIF(ONES, ONES, ONES, ONES, ONES)),
        ["neurons", "CubaLIF: a neuron that leaks", "SumPool2d"],
    ),
    "delay": (graph(last=nir.Delay(ONES)), ["last", "Delay: a delay"]),
    "recurrent": (
        graph(edges=[("neurons", "first")]),
        ["edges are recurrent", "'first'", "'neurons'", "no spike comes back"],
    ),
    "itself": (graph(edges=[("neurons", "neurons")]), ["edges are recurrent", "'neurons'"]),
    "no such node": (graph(edges=[("neurons", "more")]), ["an edge names 'more'"]),
    "two inputs": (
        graph({"more": nir.Input(np.array([4]))}, [("more", "last")]),
        ["several Input nodes"],
    ),
    "nothing before": (
        graph({"more": nir.Linear(np.eye(3))}, [("more", "last")]),
        ["more", "without an edge into it"],
    ),
    "sizes": (
        graph(last=nir.Linear(np.eye(4))),
        ["last", "weights 4 x 4 on 3", "4 values in a vector (Flatten)"],
    ),
    "sum": (graph(edges=[("in", "last")]), ["last", "a sum of 3 and 4", "summands of one shape"]),
    "thresholds": (
        graph(neurons=nir.IF(np.ones(4), np.ones(4))),
        ["neurons", "v_threshold 4 for neurons 3"],
    ),
    "reset": (
        graph(neurons=nir.IF(ONES, 5 * ONES, -ONES)),
        ["neurons", "reset to -1", "v_reset 0, taken as subtraction"],
    ),
    "threshold": (
        graph(neurons=nir.IF(ONES, 0 * ONES)),
        ["neurons", "v_threshold or r that is not positive"],
    ),
    "nan": (graph(first=nir.Linear(WEIGHT * np.nan)), ["first", "weights that are not finite"]),
    "resistances": (
        graph({"others": nir.IF(2 * ONES, ONES)}, [("first", "others"), ("others", "last")]),
        ["r is 1 to 2", "--step"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_nodes_that_no_network_has(case):
    refused, parts = REFUSED[case]
    with pytest.raises(RheobaseError) as error:
        import_nir(refused)
    assert all(part in str(error.value) for part in parts), error.value
    assert "\n" not in str(error.value)


def test_all_of_them_are_named():
    refused = graph(neurons=nir.LIF(ONES, ONES, ONES, ONES), first=nir.Delay(np.ones(4)))
    with pytest.raises(RheobaseError, match=r"first \(Delay"):
        import_nir(refused)
    several = graph({"leaky": nir.LI(ONES, ONES, ONES)}, [("first", "leaky")])
    several.nodes["last"] = nir.Linear(np.eye(5))
    with pytest.raises(RheobaseError, match=r"last .*leaky|leaky .*last"):
        import_nir(several)


def test_thresholds_within_a_map():
    maps = nir.NIRGraph(
        {
            "in": nir.Input(np.array([1, 2, 2])),
            "conv": nir.Conv2d(None, np.ones((1, 1, 1, 1)), 1, 0, 1, 1, np.ones(1)),
            "neurons": nir.IF(np.ones((1, 2, 2)), np.arange(1.0, 5).reshape(1, 2, 2)),
            "out": nir.Output(np.array([1, 2, 2])),
        },
        [("in", "conv"), ("conv", "neurons"), ("neurons", "out")],
        type_check=False,
    )
    with pytest.raises(RheobaseError, match="v_threshold that differs within a map"):
        import_nir(maps)


def test_a_step_of_time_tells_neurons_apart():
    """An r twice as large reaches the threshold as half the threshold does."""
    several, _ = REFUSED["resistances"]
    found = import_nir(several, step=1.0, mean=0.0, std=1 / 255)
    thresholds = {layer.name: layer.threshold for layer in found.network.layers}
    scale = next(layer.scale for layer in found.lowered.layers if layer.name == "others")
    assert np.array_equal(thresholds["others"], np.rint(0.5 / scale))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": 0.5}, "must be both or none"),
        ({"step": 0.0}, "must be a positive number"),
        ({"steps": 4, "delay": 4}, "t0 is 4"),
        ({"steps": 0}, "T is 0"),
        ({"weight_bits": 9}, "weight bits is 9"),
    ],
)
def test_options(options, message):
    with pytest.raises(RheobaseError, match=message):
        import_nir(graph(), **options)


def test_what_nir_has_no_form_for(tmp_path):
    radix = residual_network(Coding.RADIX, steps=3, stages=((4, 1),), size=8, bits=8)
    rate = residual_network(Coding.RATE, steps=3, stages=((4, 1),), size=8, bits=8)
    rng, signed = np.random.default_rng(0), rate
    while not any(layer.signed for layer in signed.layers):
        signed = with_signed_layers(rng, rate)
    for network, message in ((radix, "radix coding, must be rate"), (signed, "fire signed")):
        with pytest.raises(RheobaseError, match=message):
            export_nir(network, tmp_path / "network.nir")
    assert not list(tmp_path.iterdir())


class Trap:
    def __reduce__(self):
        return print, ("unpickled",)


def damaged(folder) -> dict:
    """Files that are no graphs, by what is wrong with them."""
    good = folder / "good.nir"
    nir.write(good, graph())
    (folder / "short.nir").write_bytes(good.read_bytes()[:3000])
    (folder / "pickle.nir").write_bytes(pickle.dumps(Trap()))
    with h5py.File(folder / "empty.nir", "w") as file:
        file["other"] = 1
    for name in ("link", "kind", "fields", "huge", "soft"):
        (folder / f"{name}.nir").write_bytes(good.read_bytes())
        with h5py.File(folder / f"{name}.nir", "r+") as file:
            nodes = file["node/nodes"]
            if name == "link":
                nodes["more"] = h5py.ExternalLink(str(good), "/node/nodes/first")
            if name == "soft":
                nodes["more"] = h5py.SoftLink("/node")
            if name == "kind":
                nodes["neurons/type"][()] = "Quantum"
            if name == "fields":
                del nodes["first/weight"]
            if name == "huge":
                nodes["first"].create_dataset("more", (2**31,), "f8", chunks=True)
    with h5py.File(folder / "elsewhere.nir", "w") as file:
        file.create_group("node").create_dataset("weight", (8,), "u1", external=[(str(good), 0, 8)])
    return {
        "short": "not an HDF5 file, or a damaged one",
        "pickle": "not an HDF5 file",
        "empty": "no group 'node'",
        "link": "is a link, must be in the file itself",
        "soft": "is a link",
        "kind": "a kind of node that nir .* does not know",
        "fields": "no NIR graph",
        "huge": "must be at most",
        "elsewhere": "lies in another file",
        "absent": "cannot be read",
    }


def test_files_that_are_no_graphs(tmp_path, capsys):
    for name, message in damaged(tmp_path).items():
        path = tmp_path / f"{name}.nir"
        with pytest.raises(RheobaseError, match=message) as error:
            import_nir(path)
        assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)
    assert "unpickled" not in capsys.readouterr().out
