"""The comment at the top of generated Verilog says what the text below it is."""

import re
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pytest

from rheobase.boards.builds.plain_verilog import plain_verilog
from rheobase.golden import network_hash
from rheobase.golden.network.network import Coding, PoolRule, Readout
from rheobase.hw.verilog.generation import generate
from rheobase.hw.verilog.header import header, without_header
from tests.support.networks.random_networks import random_network, smallest_folding

#: Words by which tools recognise comments that they take orders from.
ORDERS = ("verilator", "synopsys", "synthesis", "pragma", "yosys", "lint")


@pytest.fixture(scope="module", params=list(Coding), ids=str)
def network(request):
    return random_network(
        np.random.default_rng(3),
        coding=request.param,
        readout=Readout.CURRENT,
        rule=PoolRule.STEP,
        steps=5,
        hidden=1,
        largest_channels=4,
        largest_map=4,
    )


@pytest.fixture
def folding(network):
    return smallest_folding(network)


def test_it_says_what_the_network_is(network, folding):
    text = header(network, folding)
    assert text.startswith(f"// rheobase {version('rheobase')}:")
    assert f'"{network.name}", SHA-256 {network_hash(network)}\n' in text
    assert f"coding {network.coding.value}, T = 5, t0 = {network.delay}, readout current" in text
    for layer, shape in zip(network.layers, network.shapes, strict=True):
        channels, rows, columns = shape.output
        assert f'"{layer.name}" {channels} x {rows} x {columns}, P = 1, E = 1' in text


def test_its_ports_are_those_of_the_code(network, folding):
    """Names, directions and widths, as the declarations below it have them."""
    verilog = generate(network, folding)
    code = without_header(verilog)
    top = code[code.index("module accelerator(") :]
    top = top[: top.index("endmodule")]
    declared = {
        name: (direction, int(high or 0) + 1)
        for direction, high, name in re.findall(
            r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", top, re.MULTILINE
        )
    }
    said = {
        name: (direction, int(width))
        for name, direction, width in re.findall(
            r"^//   (\w+), (input|output), (\d+) bits?: .", verilog, re.MULTILINE
        )
    }
    assert said == declared and len(said) == 10


def test_nothing_but_comments_in_front_of_the_code(network, folding):
    verilog = generate(network, folding)
    text = header(network, folding)
    assert verilog == text + without_header(verilog)
    assert "module " not in text
    assert without_header(without_header(verilog)) == without_header(verilog)
    made = plain_verilog(network, folding, "asic")["accelerator.v"]
    assert made.startswith(text)


def test_names_give_tools_no_orders(network, folding):
    """A name is between quotation marks, in ASCII, behind a word of ours."""
    names = ["verilator lint_off", "*/ `include `", "naïve\\", "synthesis translate_off"]
    for name in names:
        layers = (replace(network.layers[0], name=name), *network.layers[1:])
        text = header(replace(network, name=name, layers=layers), folding)
        assert text.isascii()
        for line in text.splitlines():
            assert line.startswith("//")
            assert not line.removeprefix("//").strip().startswith(ORDERS), line
            assert not line.endswith("\\")
