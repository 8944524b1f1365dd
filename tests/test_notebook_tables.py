"""What objects show of themselves in a notebook, read with a parser of HTML."""

from html.parser import HTMLParser

import numpy as np
import torch
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.measure.diagnosis import Diagnosis, LayerErrors
from rheobase.converter.options import Options
from rheobase.converter.summary import summary_lines
from rheobase.golden import Coding, run_golden
from rheobase.golden.basics.html_table import html_lines, html_table
from rheobase.hw.planning.default_folding import default_folding
from rheobase.hw.planning.search.folding_search import Planner
from rheobase.sim.comparison import Comparison, LayerComparison
from tests.support.networks.residual_networks import residual_network

NONE = np.zeros((0, 3, 8, 8), np.uint8)


class Cells(HTMLParser):
    """Texts of a table's parts, by tag."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = {}, []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, _attributes):
        self.open.append(tag)
        self.found.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.found[self.open[-1]][-1] += data


def test_everything_is_text():
    text = html_table("a & <b>", ["x<y", "z"], [["<script>", 1], [None, "&amp;"]])
    found = Cells(text).found
    assert found["caption"] == ["a & <b>"] and found["th"] == ["x<y", "z"]
    assert found["td"] == ["<script>", "1", "None", "&amp;"]
    assert Cells(html_lines(["<i>", "b"])).found["div"] == ["<i>", "b"]


def test_networks_and_plans():
    network = residual_network(Coding.RADIX, steps=3, stages=((8, 1),), size=8, bits=8)
    found = Cells(network._repr_html_()).found
    assert found["caption"] == [repr(network)]
    columns = len(found["th"])
    rows = [found["td"][i : i + columns] for i in range(0, len(found["td"]), columns)]
    assert [row[0] for row in rows] == [layer.name for layer in network.layers]
    place = found["th"].index("threshold")
    for row, layer in zip(rows, network.layers, strict=True):
        wanted = "none"
        if layer.threshold is not None:
            wanted = f"{layer.threshold.min()} to {layer.threshold.max()}"
        assert row[place] == wanted
    folding = default_folding(network)
    plan = Planner(network).predict(folding)
    found = Cells(plan._repr_html_()).found
    assert found["td"][1::7] == [str(fold.neurons) for fold in folding]
    assert f"{plan.area.block_rams} block RAMs" in found["caption"][0]


def test_comparisons_and_diagnoses():
    golden = run_golden(
        residual_network(Coding.RADIX, steps=3, stages=((8, 1),), size=8, bits=8), NONE
    )
    layers = (
        LayerComparison("a", 1200, 3, 0.5, (2,), (7, 1234), None),
        LayerComparison("b", 0, 0, 0.0, (0,), (9,), None),
    )
    comparison = Comparison(2, 2, 0, 0, layers, "here", 1, None, golden)
    found = Cells(comparison._repr_html_()).found
    assert found["td"][:5] == ["a", "1,200", "3", "0.50", "7 + 1,234"]
    assert "DIFFERENT" in found["caption"][0]
    errors = LayerErrors("a", 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, None, 98.0)
    found = Cells(Diagnosis((errors,), 5, None, 98.0, 99.0)._repr_html_()).found
    values = dict(zip(found["th"], found["td"], strict=True))
    assert values["name"] == "a" and values["timing"] == "0.500" and values["cnn answers"] == ""


def test_conversions():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    images = np.random.default_rng(0).integers(0, 256, (8, 1, 4, 4)).astype(np.uint8)
    conversion = convert(model, images, mean=0.5, std=0.25, options=Options(method="cltb"))
    found = Cells(conversion._repr_html_()).found
    assert found["div"] == summary_lines(conversion)
    assert found["caption"] == [repr(conversion.network)]
