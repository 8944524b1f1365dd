"""The MNIST network's shapes as NNgen builds them: Verilog, and a test bench that counts cycles.

NNgen asks for packages of its own, so in an environment of its own:

    python -m venv nngen && nngen/bin/pip install nngen==1.3.4 veriloggen==2.3.0 onnx
    nngen/bin/python benchmarks/nngen_mnist.py OUT      # OUT/net.v, OUT/bench.v
    iverilog -o OUT/bench OUT/bench.v && vvp OUT/bench

Three 3x3 convolutions of 8, 16 and 32 channels (4-bit weights, 8-bit maps) with 2x2 maxima, and a
linear layer of 10 classes; one input and one output channel at a time, all nine taps of a window at
once. Weights are random: its time does not depend on them. Weights and maps come through AXI from a
memory outside, which is none of its area.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nngen
import numpy as np
import veriloggen.thread as vthread
from veriloggen import Delay, Module, Not, Seq, Systask, simulation
from veriloggen.types.axi import AxiMemoryModel

#: Bits of the bus, of an address of the bench's memory, and where the temporary maps are there.
BUS, ADDRESS, MAPS = 32, 17, 1 << 16
#: Simulated time after which the bench gives up.
LONGEST = 100_000_000


def network() -> object:
    """The output of the network."""
    rng = np.random.default_rng(0)

    def variable(name: str, bits: object, values: np.ndarray) -> object:
        found = nngen.variable(bits, shape=values.shape, name=name)
        found.set_value(values)
        return found

    maps = nngen.placeholder(nngen.int8, shape=(1, 28, 28, 1), name="image")
    for number, (inputs, outputs) in enumerate(((1, 8), (8, 16), (16, 32))):
        kernel = rng.integers(-8, 8, (outputs, 3, 3, inputs))
        maps = nngen.conv2d(
            maps,
            variable(f"weight_{number}", nngen.int4, kernel),
            strides=(1, 1, 1, 1),
            bias=variable(f"bias_{number}", nngen.int16, np.zeros(outputs, np.int64)),
            scale=variable(f"scale_{number}", nngen.int8, np.ones(outputs, np.int64)),
            act_func=nngen.relu,
            dtype=nngen.int8,
            sum_dtype=nngen.int32,
        )
        maps = nngen.max_pool_serial(
            maps, ksize=(1, 2, 2, 1), strides=(1, 2, 2, 1), padding="VALID"
        )
    return nngen.matmul(
        nngen.reshape(maps, [1, -1]),
        variable("weight_3", nngen.int4, rng.integers(-8, 8, (10, 288))),
        bias=variable("bias_3", nngen.int16, np.zeros(10, np.int64)),
        transposed_b=True,
        name="classes",
        dtype=nngen.int16,
        sum_dtype=nngen.int32,
    )


def bench(target: Module) -> Module:
    """Runs ``target`` once and prints how many cycles it took."""
    m = Module("bench")
    m.copy_params(target)
    ports = m.copy_sim_ports(target)
    clock, resetn = ports["CLK"], ports["RESETN"]
    reset = m.Wire("reset")
    reset.assign(Not(resetn))
    memory = AxiMemoryModel(m, "memory", clock, reset, datawidth=BUS, mem_addrwidth=ADDRESS)
    memory.connect(ports, "maxi")
    control = vthread.AXIMLite(m, "control", clock, reset, noio=True)
    control.connect(ports, "saxi")
    cycles = m.Reg("cycles", 32, initval=0)
    Seq(m, "counting", clock, reset)(cycles.inc())

    def run() -> None:
        for _ in range(100):
            pass
        nngen.sim.set_global_addrs(control, MAPS)
        start = cycles.value
        nngen.sim.start(control)
        nngen.sim.wait(control)
        end = cycles.value
        print("Time (cycles): %d" % (end - start))  # noqa: UP031 - it becomes a $display
        vthread.finish()  # veriloggen translates the text of this function

    vthread.Thread(m, "running", clock, reset, run).start()
    m.Instance(target, "target", params=m.connect_params(target), ports=m.connect_ports(target))
    begins = simulation.setup_clock(m, clock, hperiod=5)
    simulation.setup_reset(m, resetn, m.make_reset(), period=100, polarity="low")
    begins.add(Delay(LONGEST), Systask("finish"))
    return m


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    made = network()
    target = nngen.to_veriloggen([made], "net", config={"maxi_datawidth": BUS})
    nngen.export_ndarray([made])
    (output / "net.v").write_text(target.to_verilog())
    (output / "bench.v").write_text(bench(target).to_verilog())


if __name__ == "__main__":
    main()
