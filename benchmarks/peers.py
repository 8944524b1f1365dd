"""A radix network as event and graph lanes, and as dense adder graphs in da4ml's Verilog.

    python -m benchmarks.peers NETWORK --data-root DATA [--luts 17000] [--no-route]

NETWORK is what `rheobase convert --coding radix` made for MNIST (docs/results/peers.md). One line
of JSON each figure; the same yosys, nextpnr and device (LFE5U-85F) for both. Ours is the whole
accelerator: row memories, pooling, neurons, streams. Of da4ml's there are the adder graphs of every
layer, one window in each cycle and all bits of a number at once, a register behind each adder, with
and without the activations (one comparison for each level). What da4ml does not make is left out,
in its favour: row memories, padding, pooling, and control. So an image takes at least as many
cycles as the largest map has positions. That both are the same network is checked: the scores that
da4ml's interpreter gives for whole images are the golden model's.
"""

from __future__ import annotations

import argparse
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rheobase.converter.data.data import load_images
from rheobase.golden.files.file import load_network
from rheobase.golden.network.network import Coding, Layer, Network
from rheobase.golden.run.run import run_golden
from rheobase.hw.design.folding import LaneChoice
from rheobase.hw.planning.plan import Budget
from rheobase.hw.planning.search.folding_search import Planner
from rheobase.hw.verilog.generation import TOP, generate
from rheobase.sim.batch import build_simulation
from rheobase.sim.comparison import simulate
from rheobase.sim.synthesis import ULX3S_85F, place_and_route, synthesise
from rheobase.sim.tools.eda_tools import find_tool

from .figures import show

if TYPE_CHECKING:
    from da4ml.types import CombLogic

#: Images on which both are compared with the golden model.
IMAGES = 48


@dataclass(frozen=True)
class DenseLayer:
    """A layer's window, as da4ml computes it.

    Attributes:
        graph: da4ml's ``CombLogic``, of taps (row, column, channel).
        sums: the same without what is added to the sums and made of them.
        padding: what a tap outside the map holds.
    """

    layer: Layer
    graph: CombLogic
    sums: CombLogic
    padding: np.ndarray

    def run(self, maps: np.ndarray) -> np.ndarray:
        """Maps of levels (images, rows, columns, channels) in, those of the layer out."""
        connection = self.layer.connections[0]
        images, rows, columns, channels = maps.shape
        top, left, bottom, right = connection.padding
        size = (images, top + rows + bottom, left + columns + right, channels)
        padded = np.empty(size, np.float64)
        padded[:] = self.padding
        padded[:, top : top + rows, left : left + columns] = maps
        windows = np.lib.stride_tricks.sliding_window_view(padded, connection.kernel, (1, 2))
        windows = windows[:, :: connection.stride[0], :: connection.stride[1]]
        taps = windows.transpose(0, 1, 2, 4, 5, 3)
        # A copy, as da4ml takes no array that may not be written.
        found = self.graph.predict(np.array(taps.reshape(-1, np.prod(taps.shape[3:]))))
        found = found.reshape(*taps.shape[:3], -1)
        if self.layer.pool is None:
            return found
        down, across = self.layer.pool.kernel
        kept = found[:, : found.shape[1] // down * down, : found.shape[2] // across * across]
        return kept.reshape(
            len(maps), found.shape[1] // down, down, found.shape[2] // across, across, -1
        ).max((2, 4))


def dense_layer(network: Network, index: int) -> DenseLayer:
    """The adder graph of all of a layer's taps, and the levels or scores that come of its sums."""
    from da4ml.trace import FixedVariableArray, HWConfig, comb_trace

    layer = network.layers[index]
    (connection,) = layer.connections
    weights = connection.weight.transpose(2, 3, 1, 0).reshape(-1, layer.out_channels)
    highest, padding = (2**network.steps - 1, np.zeros(1)) if index else (255, network.zero_point)
    shape = (len(weights),)
    taps = FixedVariableArray.from_lhs(
        np.zeros(shape), np.full(shape, float(highest)), np.ones(shape), HWConfig(1, -1, -1)
    )
    # Pixels count from the zero point.
    offset = np.zeros(len(weights)) if index else np.resize(padding, len(weights))
    constant = layer.bias - offset @ weights
    sums = taps @ weights.astype(np.float64)
    if layer.neurons is None:
        outputs = sums + constant
    else:
        begun = constant + layer.initial_potential
        levels = [
            sum(
                (sums[channel] >= float(level * layer.threshold[channel] - begun[channel]))
                for level in range(1, 2**network.steps)
            )
            for channel in range(layer.out_channels)
        ]
        outputs = FixedVariableArray(np.array(levels))
    return DenseLayer(layer, comb_trace(taps, outputs), comb_trace(taps, sums), padding)


def dense_verilog(graphs: Sequence[CombLogic], adders: int) -> str:
    """All graphs in one design, with ``adders`` between two registers.

    A chain of registers drives the inputs, and the parity of each one's outputs is read, as there
    are not so many pins. It has a register behind every four bits, so that no path of it is
    the slowest.
    """
    import da4ml
    from da4ml.codegen.rtl.verilog.pipeline import pipeline_logic_gen
    from da4ml.trace import to_pipeline

    folder = Path(da4ml.__file__).parent / "codegen/rtl/verilog/source"
    # No graph has tables, whose module would read a file that is not there.
    text = [f.read_text() for f in sorted(folder.glob("*.v")) if f.stem != "lookup_table"]
    body, first = [], 0
    for number, graph in enumerate(graphs):
        pipeline = to_pipeline(graph, adders, verbose=False)
        code = pipeline_logic_gen(pipeline, f"layer{number}")
        text += code.values()
        inputs, outputs = (
            sum(sum(bits) for bits in map(_bits, intervals))
            for intervals in (pipeline.inp_qint, pipeline.out_qint)
        )
        body += [
            f"wire [{outputs - 1}:0] out{number};",
            f"layer{number} graph{number} (.clk(clk),"
            f" .model_inp(chain[{first + inputs - 1}:{first}]), .model_out(out{number}));",
            *_parity(f"out{number}", outputs, f"parity[{number}]"),
        ]
        first += inputs
    body.insert(0, f"reg [{first - 1}:0] chain;")
    body.append(f"always @(posedge clk) chain <= {{chain[{first - 2}:0], shifted}};")
    ports = f"input clk, input shifted, output reg [{len(graphs) - 1}:0] parity"
    return "\n".join([*text, f"module dense ({ports});", *body, "endmodule\n"])


def _parity(source: str, bits: int, target: str) -> list[str]:
    """Verilog: ``target`` is the parity of ``source``, some cycles later."""
    lines, level = [], 0
    while bits > 4:
        count, name = -(-bits // 4), f"{source}_{level}"
        groups = [
            f"^{source}[{min(4 * group + 3, bits - 1)}:{4 * group}]"
            for group in reversed(range(count))
        ]
        lines += [
            f"reg [{count - 1}:0] {name};",
            f"always @(posedge clk) {name} <= {{{', '.join(groups)}}};",
        ]
        source, bits, level = name, count, level + 1
    return [*lines, f"always @(posedge clk) {target} <= ^{source};"]


def _bits(interval) -> tuple[int, int, int]:
    from da4ml.types import minimal_kif

    return minimal_kif(interval)


def da4ml_figures(network: Network, images: np.ndarray, arguments: argparse.Namespace) -> float:
    """Images a second and LUT4 of all graphs with their activations; shows each layer's area."""
    indices = range(len(network.layers))
    maps = images.transpose(0, 2, 3, 1)
    layers = [dense_layer(network, index) for index in indices]
    for layer in layers:
        maps = layer.run(maps)
    expected = run_golden(network, images).scores.reshape(len(images), -1)
    if not np.array_equal(maps.reshape(expected.shape), expected):
        raise SystemExit("peers.py: da4ml's graphs give other scores than the golden model")
    show("da4ml_images_equal", len(images), "images", None)
    cycles = max(rows * columns for _, rows, columns in (s.conv for s in network.shapes))
    show("da4ml_cycles", cycles, "cycles", None)
    for number, layer in enumerate(layers):
        for what, graph in (("sums", layer.sums), ("levels", layer.graph)):
            if arguments.layer not in (None, number):
                continue
            mapped = synthesise(dense_verilog([graph], arguments.adders), "dense", ULX3S_85F)
            show(f"da4ml_layer{number}_{what}_lut4", mapped.resources.luts, "LUT4", None)
    if arguments.layer is not None:
        return routed(f"da4ml_layer{arguments.layer}", mapped, cycles, arguments)
    text = dense_verilog([layer.graph for layer in layers], arguments.adders)
    mapped = synthesise(text, "dense", ULX3S_85F)
    return routed("da4ml", mapped, cycles, arguments)


def our_figures(network: Network, images: np.ndarray, arguments: argparse.Namespace) -> float:
    """The same of the accelerator that the planner chooses."""
    planner = Planner(network, lane_choice=LaneChoice.AUTO)
    plan = planner.fastest(Budget(arguments.luts))
    if plan is None:
        raise SystemExit(f"peers.py: no plan takes at most {arguments.luts} LUT4")
    text = generate(network, plan.folding)
    result = simulate(build_simulation(network, plan.folding, verilog=text), images)
    if not result.equal:
        raise SystemExit(f"peers.py: {result.first_mismatch}")
    cycles = result.hardware.cycles_per_image
    show("ours_images_equal", len(images), "images", None)
    show("ours_cycles", cycles, "cycles", None)
    return routed("ours", synthesise(text, TOP, ULX3S_85F), cycles, arguments)


def routed(name: str, mapped, cycles: float, arguments: argparse.Namespace) -> float:
    """Images a second and LUT4, unrouted a cycle and LUT4; shows area and clock."""
    luts = mapped.resources.luts
    show(f"{name}_lut4", luts, "LUT4", None)
    show(f"{name}_flip_flops", mapped.resources.flip_flops, "registers", None)
    show(f"{name}_block_rams", mapped.resources.block_rams, "blocks", None)
    if not arguments.route:
        return 1 / cycles / luts
    frequency = place_and_route(mapped, arguments.seed).frequency
    show(f"{name}_clock", frequency, "MHz", None)
    show(f"{name}_images_per_s", 1e6 * frequency / cycles, "images/s", None)
    show(f"{name}_images_per_s_and_lut4", 1e6 * frequency / cycles / luts, "images/s", None)
    return 1e6 * frequency / cycles / luts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", type=Path, help="radix, unsigned, one connection a layer")
    parser.add_argument("--data-root", type=Path, required=True, help="folder above MNIST/")
    parser.add_argument("--luts", type=int, default=17_000, help="what our plan may take")
    parser.add_argument("--adders", type=int, default=1, help="da4ml's between two registers")
    parser.add_argument("--no-route", dest="route", action="store_false", help="no clocks")
    parser.add_argument("--seed", type=int, default=1, help="of place and route")
    parser.add_argument("--only", choices=["ours", "da4ml"])
    parser.add_argument("--layer", type=int, help="da4ml's graph of this layer alone, from 0")
    arguments = parser.parse_args()
    if arguments.layer is not None:
        arguments.only = "da4ml"
    network = load_network(arguments.network)
    if network.coding != Coding.RADIX or any(
        len(layer.connections) != 1
        or layer.connections[0].sum_pool
        or layer.connections[0].groups != 1
        or layer.negative_threshold is not None
        for layer in network.layers
    ):
        parser.error(f"{arguments.network}: must be unsigned radix layers of one whole kernel each")
    tools = [find_tool(tool).version for tool in ("yosys", "nextpnr-ecp5")]
    print(f"da4ml {importlib.metadata.version('da4ml')}; {'; '.join(tools)}", flush=True)
    images = load_images("MNIST", data_root=arguments.data_root).first(IMAGES).images
    kinds = {"da4ml": da4ml_figures, "ours": our_figures}
    found = {
        name: figures(network, images, arguments)
        for name, figures in kinds.items()
        if arguments.only in (None, name)
    }
    if len(found) == 2:
        unit = "times images/s and LUT4" if arguments.route else "times images a cycle and LUT4"
        show("ours_over_da4ml", found["ours"] / found["da4ml"], unit, 1.2)


if __name__ == "__main__":
    main()
