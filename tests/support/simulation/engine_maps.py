"""What the golden model says that an engine leaves in its memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rheobase.golden import Coding, Network, count_events, run_golden
from rheobase.hw.engine.compiled import Program, image_words, map_numbers, map_trains
from rheobase.hw.engine.compiler.compile import compile_network
from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.model.run import run_program


def golden_maps(network: Network, image: np.ndarray) -> list[np.ndarray]:
    """Of each layer the numbers that its trains spell, or its currents where it has no neurons.

    Returns:
        int64, (channels, rows, columns) each; in ``rate`` the trains, with T in front.
    """
    maps = []
    for layer, record in zip(
        network.layers, run_golden(network, image[None], record=True).layers, strict=True
    ):
        if record.spikes is None:
            # Of what sees the image alone one step stands for all.
            steps = network.steps if network.coding == Coding.RATE else 1
            currents = np.broadcast_to(record.currents[0], (steps, *record.currents.shape[2:]))
            maps.append(currents[network.delay :].sum(axis=0))
            continue
        trains = record.spikes[0].astype(np.int64)
        if network.coding == Coding.RATE:
            maps.append(trains)
            continue
        number = np.zeros(trains.shape[1:], np.int64)
        for step, plane in enumerate(trains):
            number = 2 * number + (-plane if layer.signed and step == 0 else plane)
        maps.append(number)
    return maps


def memory_with(program: Program, image: np.ndarray) -> np.ndarray:
    """The memory of an engine with ``program`` and ``image`` in it."""
    memory = program.memory()
    words = image_words(program, image)
    memory[program.image_base : program.image_base + len(words)] = words
    return memory


def assert_model(network: Network, design: EngineDesign, seed: int = 0) -> None:
    """In the functional model, every map of a random image is what the golden model says.

    Every second network has counts of its channels, so the engine orders them.
    """
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, network.input_shape).astype(np.uint8)
    if seed % 2:
        network = replace(network, events=count_events(network, image[None]))
    program = compile_network(network, design).program
    memory = memory_with(program, image)
    run_program(design, memory, program.program_base, 0)
    assert_maps(network, program, image, memory)


def assert_maps(network: Network, program: Program, image: np.ndarray, memory: np.ndarray) -> None:
    """Every layer's map in ``memory`` is what the golden model says."""
    for index, expected in enumerate(golden_maps(network, image)):
        has_trains = program.maps[index].train is not None
        found = (map_trains if has_trains else map_numbers)(program, memory, index)
        np.testing.assert_array_equal(found, expected, err_msg=network.layers[index].name)
