"""A test bench in Verilog that checks itself: images, and the beats of the golden model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth import Shape

from ...golden.files.file import network_hash
from ...golden.network.network import PIXEL_BITS, Network
from ...golden.run.run import GoldenRun, run_golden
from ...hw.accelerator.accelerator import result_layout, result_names
from ...hw.design.folding import Folding
from ...hw.design.layer_design import network_design
from ...hw.verilog.ports import accelerator_ports
from ...sim.design_header import hang_cycles
from .memory_files import memory_file
from .templates import rendered

BENCH = "testbench.v"
_PIXELS = "testbench_pixels.hex"


@dataclass(frozen=True)
class _Output:
    """One result stream: its name, the file of its beats, bits of one, and how many there are."""

    name: str
    file: str
    bits: int
    beats: int


def random_pixels(network: Network, images: int, seed: int = 0) -> np.ndarray:
    """uint8, (images, channels, rows, columns): for a bench where no images are at hand."""
    shape = (images, *network.input_shape)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def verilog_bench(
    network: Network, folding: Folding, images: np.ndarray, sources: list[str]
) -> dict[str, str]:
    """Files of the bench by name: ``testbench.v``, and what it reads with ``$readmemh``.

    Args:
        images: uint8, (images, channels, rows, columns), at least one.
        sources: names of the design's files, for the command in the bench's first lines.
    """
    ran = run_golden(network, images)
    channels, rows, columns = network.input_shape
    pixels = np.moveaxis(images, 1, -1).reshape(-1, channels)
    files = {_PIXELS: memory_file([_joined(pixel) for pixel in pixels], channels * PIXEL_BITS)}
    outputs = []
    for index, name in enumerate(result_names(network)):
        layout = result_layout(network, index)
        beats = _beats(network, ran, index)
        file = f"testbench_{name}.hex"
        files[file] = memory_file(beats, layout.size)
        outputs.append(_Output(name, file, layout.size, len(beats)))
    widths = {port.name: port.width for port in accelerator_ports(network)}
    text = rendered(
        BENCH,
        network_hash=network_hash(network),
        images=len(images),
        steps=network.steps,
        delay=network.delay,
        steps_width=widths["steps"],
        delay_width=widths["delay"],
        pixel_bits=channels * PIXEL_BITS,
        pixels=len(images) * rows * columns,
        pixels_file=_PIXELS,
        outputs=outputs,
        sources=" ".join([BENCH, *sources]),
        hang=hang_cycles(network_design(network, folding)),
    )
    return {BENCH: text, **files}


def _beats(network: Network, ran: GoldenRun, output: int) -> list[int]:
    """Payloads of result stream ``output``, as ``ResultLayout`` says."""
    layout = result_layout(network, output)
    score, prediction, last = (layout[name].offset for name in ("score", "prediction", "last"))
    score_mask = (1 << Shape.cast(layout["score"].shape).width) - 1
    beats = []
    for image in ran.outputs[output]:
        for scores in image.reshape(len(image), -1).T.tolist():
            best = 0
            for channel, value in enumerate(scores):
                best = channel if value > scores[best] else best
                beats.append((value & score_mask) << score | best << prediction)
        beats[-1] |= 1 << last
    return beats


def _joined(pixel: np.ndarray) -> int:
    """Its channels, the first one lowest."""
    return int.from_bytes(pixel.tobytes(), "little")
