"""ImageGate: T and t0 change only while nothing is inside."""

import random

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from rheobase.sim.bench_parameters import bench_parameters
from rheobase.sim.streams import start


@cocotb.test()
async def setting_is_held(dut):
    given = bench_parameters()
    rng = random.Random(given["seed"])
    pixels, settings = given["pixels"], given["settings"]
    dut.image_done.value = 0
    dut.pixels__valid.value = 0
    dut.admitted__ready.value = 0
    await start(dut)
    # Images inside, oldest first: number, whole or not, and the outputs that it has yet to leave.
    inside, image, pixel, seen = [], 0, 0, []
    overlapped = False
    while len(seen) < pixels * len(settings):
        if image < len(settings):
            dut.pixels__valid.value = 1
            dut.pixels__payload.value = (image * pixels + pixel) % 16
            dut.steps.value, dut.delay.value = settings[image]
        else:
            dut.pixels__valid.value = 0
        dut.admitted__ready.value = int(rng.random() < 0.8)
        leaves = 0
        for output in range(given["outputs"]):
            oldest = next((entry for entry in inside if output in entry[2]), None)
            if oldest and oldest[1] and rng.random() < 0.1:
                leaves |= 1 << output
        dut.image_done.value = leaves
        await FallingEdge(dut.clk)
        if dut.admitted__valid.value and dut.admitted__ready.value:
            assert dut.pixels__ready.value, "a pixel was passed on but not taken"
            held = (int(dut.steps_held.value), int(dut.delay_held.value))
            assert held == tuple(settings[image]), f"image {image} runs with {held}"
            seen.append(int(dut.admitted__payload.value))
            if pixel == 0:
                assert all(settings[entry[0]] == settings[image] for entry in inside)
                assert len(inside) < given["images"]
                overlapped = overlapped or bool(inside)
                inside.append([image, False, set(range(given["outputs"]))])
            pixel += 1
            if pixel == pixels:
                inside[-1][1] = True
                pixel, image = 0, image + 1
        else:
            assert not (dut.pixels__ready.value and dut.pixels__valid.value)
        for output in range(given["outputs"]):
            if leaves >> output & 1:
                next(entry for entry in inside if output in entry[2])[2].discard(output)
        inside = [entry for entry in inside if entry[2]]
        await RisingEdge(dut.clk)
    assert seen == [i % 16 for i in range(pixels * len(settings))]
    assert overlapped, "images with the same setting must follow one another"
