"""Detection heads: outputs gathered from the network's, element by element in torch's order.

The exact models' activations are whole numbers and their weights small ones, so what the integer
network gives is torch's result and not near it: an element in a wrong place is a wrong number.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from typer.testing import CliRunner

from rheobase.cli import app
from rheobase.converter.conversion import Conversion, convert
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.converter.lower.lowering import lower_graph
from rheobase.converter.lower.outside import weights_of
from rheobase.converter.measure.answers import answers_of
from rheobase.converter.options import Options
from rheobase.converter.recipes import with_recipe
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.tracing.trace import trace
from rheobase.golden import RheobaseError, load_network, run_golden, save_network
from rheobase.golden.network.network import Coding, Readout

#: Channels of every map that heads see, and anchors of each of three heads.
CHANNELS, ANCHORS, CLASSES = 3, [2, 3, 2], 5
SHAPE = (CHANNELS, 6, 5)


def whole_numbers(module: nn.Module) -> None:
    """Integers as the weights of a head, the largest in every channel, so that no scale rounds."""
    rng = np.random.default_rng(7)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            shape = layer.weight.shape
            weight = rng.integers(-100, 101, (shape[0], shape[1:].numel()))
            weight[np.arange(shape[0]), rng.integers(0, weight.shape[1], shape[0])] = 127
            layer.weight.data = torch.from_numpy(weight.reshape(shape)).float()
            layer.bias.data = torch.from_numpy(rng.integers(-900, 901, shape[0])).float()


class Maps(nn.Module):
    """Maps of 6 x 5, 3 x 3 and 2 x 2 neurons that hold pixels, and ``head`` on all of them."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False)
        self.stem.weight.data = torch.eye(CHANNELS)[:, :, None, None]
        self.head = head
        whole_numbers(head)

    def forward(self, x):
        maps = [functional.relu(self.stem(x[:, :, ::step, ::step])) for step in (1, 2, 3)]
        return self.head(maps)


def ssd() -> nn.Module:
    kind = import_torchvision("torchvision.models.detection.ssd").SSDHead
    return Maps(kind([CHANNELS] * 3, ANCHORS, CLASSES)).eval()


def pixels(count: int = 4) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, *SHAPE)).astype(np.uint8)


def results(model: nn.Module, images: np.ndarray) -> dict[str, np.ndarray]:
    with torch.no_grad():
        found = model(torch.from_numpy(images).float())
    if isinstance(found, torch.Tensor):
        found = {"out": found}
    elif isinstance(found, tuple):
        found = {str(index): value for index, value in enumerate(found)}
    return {label: value.numpy() for label, value in found.items()}


def lowered(model: nn.Module, readout: Readout = Readout.CURRENT):
    """The integer network that has the model's own numbers."""
    graph = prepared(trace(model.eval(), SHAPE))
    thresholds = {operation.name: 255.0 for operation in graph.neurons}
    return lower_graph(
        graph,
        thresholds,
        mean=[0.0] * 3,
        std=[1 / 255] * 3,
        coding=Coding.RADIX,
        steps=8,
        readout=readout,
    )


def assert_exact(model: nn.Module, outputs: int):
    made = lowered(model)
    images = pixels()
    expected = results(model, images)
    found = made.real_outputs(run_golden(made.network, images).outputs)
    assert found.keys() == expected.keys() and len(made.network.outputs) == outputs
    for label, values in expected.items():
        assert values.std() > 1000
        assert found[label].shape == values.shape
        np.testing.assert_allclose(found[label], values, rtol=0, atol=1e-6)
    return made


def test_the_head_of_torchvision(tmp_path):
    made = assert_exact(ssd(), 6)
    places = 2 * 30 + 3 * 9 + 2 * 4
    shapes = {label: output.shape for label, output in made.outputs.items()}
    assert shapes == {"bbox_regression": (places, 4), "cls_logits": (places, CLASSES)}
    save_network(made.network, tmp_path / "ssd.safetensors")
    read = run_golden(load_network(tmp_path / "ssd.safetensors"), pixels())
    for label, values in results(ssd(), pixels()).items():
        np.testing.assert_allclose(made.real_outputs(read.outputs)[label], values, atol=1e-6)


class Chains(nn.Module):
    """One convolution for each map, and ``end`` on their results."""

    def __init__(self, channels: list[int], end) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(CHANNELS, count, 1) for count in channels)
        self.end = end

    def forward(self, maps):
        return self.end([conv(x) for conv, x in zip(self.convolutions, maps, strict=False)])


def per_anchor(x: torch.Tensor, columns: int) -> torch.Tensor:
    """(images, anchors of all places, columns) as RetinaNet and YOLO have them."""
    images, _, rows, width = x.shape
    x = x.view(images, -1, columns, rows, width).permute(0, 3, 4, 1, 2)
    return x.reshape(images, -1, columns)


#: What follows the results of 4, 4 and 8 channels, and the network's outputs.
ENDS = {
    "one map, channels last": (lambda m: m[0].permute(0, 2, 3, 1), 1),
    "one map, by element": (lambda m: m[0].permute(0, 3, 1, 2).flatten(1), 1),
    "a view of five dimensions": (lambda m: m[1].view(len(m[1]), 2, 2, 3, 3), 1),
    "boxes and scores of one map": (
        lambda m: (per_anchor(m[2], 4)[..., :1], per_anchor(m[2], 4)[..., 1:]),
        1,
    ),
    "flattened maps": (lambda m: torch.cat([x.flatten(1) for x in m], 1), 3),
    "along the last dimension": (lambda m: torch.cat([m[1], m[1].transpose(2, 3)], 3), 1),
    "twice the same": (lambda m: torch.cat([per_anchor(m[0], 4), per_anchor(m[0], 4)], 1), 1),
    "with softmax behind": (lambda m: torch.cat([per_anchor(x, 4) for x in m], 1).softmax(-1), 3),
    "as it is, and rearranged": (lambda m: (m[0], per_anchor(m[0], 2), per_anchor(m[1], 2)), 2),
}


@pytest.mark.parametrize("name", ENDS)
def test_ends_that_only_move(name):
    end, outputs = ENDS[name]
    model = Maps(Chains([4, 4, 8], end))
    if "softmax" in name:
        made = lowered(model)
        found = made.real_outputs(run_golden(made.network, pixels()).outputs)["out"]
        model.head.end = lambda m: torch.cat([per_anchor(x, 4) for x in m], 1)
        np.testing.assert_allclose(found, results(model, pixels())["out"], atol=1e-6)
        assert made.left_out == ("head.softmax",) and len(made.network.outputs) == outputs
    else:
        assert_exact(model, outputs)


def test_parts_of_one_size_are_one_map():
    """Whatever has a form of its own in the network stays one output."""
    for end in (
        lambda m: torch.cat([m[0], m[0].relu()], 1),
        lambda m: torch.cat([m[0], m[0].relu()], 1).flatten(1),
        lambda m: torch.cat([x.mean((2, 3)) for x in m], 1),
    ):
        made = lowered(Maps(Chains([4, 4, 8], end)))
        assert len(made.network.outputs) == 1 and made.outputs["out"].order is None
    # Vectors that were maps of one place.
    end = lambda m: torch.cat([x[:, :, :1, :1].flatten(1) for x in m], 1)  # noqa: E731
    made = assert_exact(Maps(Chains([4, 4, 8], end)), 1)
    assert made.network.output_shapes == ((16, 1, 1),)


@st.composite
def chains(draw):
    """Moves of each of one to three maps to a common last dimension, and of all together."""
    last = draw(st.sampled_from([2, 4]))
    steps = []
    for count in draw(st.lists(st.sampled_from([4, 8]), min_size=1, max_size=3)):
        order = draw(st.permutations([1, 2, 3, 4]))
        flip = draw(st.booleans())
        steps.append((count, order, flip))
    return last, steps, draw(st.booleans()), draw(st.integers(0, 1))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(chains())
def test_any_chain_of_moves(drawn):
    last, steps, swapped, sliced = drawn

    def end(maps):
        found = []
        for x, (count, order, flip) in zip(maps, steps, strict=True):
            x = x.transpose(2, 3) if flip else x
            x = x.reshape(len(x), count // 2, 2, *x.shape[2:]).permute(0, *order)
            found.append(x.reshape(len(x), -1, last))
        x = torch.cat(found, 1)
        x = x.transpose(1, 2) if swapped else x
        return x[:, sliced:].contiguous()

    head = Chains([count for count, _, _ in steps], end)
    made = lowered(model := Maps(head))
    found = made.real_outputs(run_golden(made.network, pixels(2)).outputs)["out"]
    np.testing.assert_allclose(found, results(model, pixels(2))["out"], rtol=0, atol=1e-6)


#: Ends that do more than move, and what is named: themselves, or the move that they make one
#: between operations.
REFUSED = {
    "mul": (lambda x: x * torch.tensor([1.0, 2, 3, 4]), r"head\.view .*nothing behind it but"),
    "abs": (lambda x: x.abs(), r"head\.abs \(abs"),
    "softmin": (lambda x: functional.softmin(x, -1), r"head\.softmin \(softmin"),
    "stack": (lambda x: torch.stack([x, x], 1), r"head\.stack \(stack"),
    "linear": (
        lambda x: functional.linear(x, torch.ones(3, 4)),
        r"head\.view .*nothing behind it but",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_ends_are_refused_by_name(name):
    end, named = REFUSED[name]
    model = Maps(Chains([4, 4, 8], lambda m: end(torch.cat([per_anchor(x, 4) for x in m], 1))))
    with pytest.raises(RheobaseError, match=f"cannot be lowered: .*{named}"):
        lowered(model)


def converted(model: nn.Module, options: Options) -> Conversion:
    return convert(model, pixels(40), mean=0.0, std=1 / 255, options=options)


@pytest.mark.parametrize("readout", Readout)
def test_conversion_is_near_the_model(readout):
    model = ssd()
    if readout == Readout.COUNT:  # which has nothing below zero
        for layer in model.head.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.data.abs_()
    options = Options(coding=Coding.RADIX, steps=8, readout=readout, iterations=500, method="cltb")
    made = converted(model, options)
    assert len(made.network.outputs) == 6
    found = made.lowered.real_outputs(run_golden(made.network, pixels()).outputs)
    for label, values in results(model, pixels()).items():
        if readout == Readout.COUNT:
            values = values.clip(0)
        assert np.abs(found[label] - values).mean() < 0.1 * values.std()
    held = sum(c.weight.size for layer in made.network.layers for c in layer.connections)
    assert weights_of(made.graph).unused == ()
    assert held == 3 * 9 + sum(p.numel() for n, p in model.head.named_parameters() if "weight" in n)


def test_fits_and_budgets_know_the_parts():
    base = Options(coding=Coding.RADIX, steps=4)
    heads = [f"head.classification_head.module_list.{index}" for index in range(3)]
    best = converted(ssd(), with_recipe(base, "best"))
    assert len(best.network.outputs) == 6
    kept = converted(ssd(), Options(**{**vars(with_recipe(base, "best")), "only_if_better": False}))
    assert set(heads) <= set(kept.calibrated.scales)
    widths = converted(
        ssd(), Options(coding=Coding.RADIX, steps=4, weight_budget=9000.0, method="cltb")
    )
    assert set(heads) <= set(widths.weight_bits)
    # The layer in front of a softmax is known, too.
    hidden = nn.Sequential(nn.Flatten(), nn.Linear(90, 4), nn.ReLU())
    model = nn.Sequential(*hidden, nn.Linear(4, 3), nn.Softmax(1)).eval()
    widths = converted(
        model, Options(coding=Coding.RADIX, steps=4, weight_budget=1200.0, method="cltb")
    )
    assert set(widths.weight_bits) == {"2", "3"}


class Scaled(Chains):
    """A factor that happens to be one, behind the maps: a weight that nothing has to hold."""

    def __init__(self) -> None:
        super().__init__([4, 4, 8], lambda m: torch.cat([per_anchor(x, 4) for x in m], 1))
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, maps):
        return super().forward(maps) * self.factor


def test_every_weight_is_accounted_for():
    made = assert_exact(Maps(Scaled()), 3)
    assert sum(c.weight.size for layer in made.network.layers for c in layer.connections) == 75


def test_answers():
    places = answers_of(prepared(trace(ssd(), SHAPE)), "cls_logits")
    assert "a map of 95 x 5" in places.unreadable
    # As many numbers as places, and none of them is a class.
    graph = prepared(trace(Maps(Chains([2, 4, 4], lambda m: per_anchor(m[0], 1))).eval(), SHAPE))
    single = answers_of(graph)
    assert single.shape == (60, 1) and "is gathered from" in single.unreadable
    assert single.classes_shape == (1, 60, 1)
    model = Maps(Chains([2, 4, 4], lambda m: m[1].permute(0, 2, 3, 1).flatten(1)))
    vector, made = answers_of(prepared(trace(model.eval(), SHAPE))), lowered(model)
    with pytest.raises(RheobaseError, match="is gathered from"):
        vector.of_network(made, run_golden(made.network, pixels()).outputs)
    # A map that is only flattened has its classes in the model's order.
    model = Maps(Chains([2, 4, 4], lambda m: m[1].flatten(1)))
    flat, made = answers_of(prepared(trace(model.eval(), SHAPE))), lowered(model)
    found = flat.of_network(made, run_golden(made.network, pixels(20)).outputs)
    assert (found == results(model, pixels(20))["out"].argmax(1)).all()


SOURCE = """
import torch
from torch import nn

class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(1, 4, 3)
        self.heads = nn.ModuleList([nn.Conv2d(4, 6, 1), nn.Conv2d(4, 9, 1, 2)])

    def forward(self, x):
        x = self.stem(x).relu()
        maps = [head(x) for head in self.heads]
        return torch.cat([m.permute(0, 2, 3, 1).reshape(len(m), -1, 3) for m in maps], 1)

def build():
    return Detector().eval()
"""


def test_the_summary_names_the_order(tmp_path):
    model, images, output = (tmp_path / name for name in ("model.py", "in.npy", "net.safetensors"))
    model.write_text(SOURCE)
    np.save(images, np.random.default_rng(0).integers(0, 256, (12, 1, 6, 6)).astype(np.uint8))
    command = ["convert", f"{model}:build", "--images", str(images), "--mean", "0.5", "--std"]
    command += ["0.25", "--coding", "radix", "-T", "4", "-o", str(output)]
    made = CliRunner().invoke(app, command, catch_exceptions=False)
    text = " ".join(made.output.split())
    assert made.exit_code == 0, text
    assert "weights: 115 of the model's 115 in the network" in text
    assert "outside the network: cat (the order of output 'out', gathered from 2 outputs" in text
    assert "right answers are not measured: output 'out' is a map of 44 x 3" in text
    assert load_network(output).output_shapes == ((6, 4, 4), (9, 2, 2))
