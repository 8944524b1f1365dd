"""``rheobase view``: one image's waveform, and its spikes as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..golden.errors import RheobaseError
from ..options.files import NetworkFile
from ..options.folding import Board, FoldingOptions
from ..options.images import ImageOptions, Images
from ..results.hardware import Viewed
from .simulate import Verilog, built_simulation, simulated_design


def view(
    network: NetworkFile,
    images: Images,
    reading: ImageOptions,
    folding: FoldingOptions,
    image: Annotated[int, typer.Option(min=0, help="Which of the images, from 0 on.")] = 0,
    verilog: Verilog = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Waveform to write, .fst or .vcd.")
    ] = Path("run.fst"),
    raster: Annotated[
        Path | None,
        typer.Option(
            help="Picture of all spikes, .png, .svg or .pdf (default: beside the waveform)."
        ),
    ] = None,
    board: Board = None,
) -> Viewed:
    """Write what one image does: every signal as a waveform, every spike as a picture.

    The waveform is Verilator's, with the Verilog's names, 10 ns a cycle; GTKWave and Surfer read
    it. The picture is the golden model's, a panel for each layer.
    """
    from ..console import say, working, wrote
    from ..golden.basics.output_files import check_writable
    from ..golden.files.file import load_network
    from ..reporting.raster import check_raster, draw_raster
    from ..sim.waves.wave_format import wave_format
    from ..sim.waves.waves import record_waves

    picture = output.with_suffix(".png") if raster is None else raster
    wanted = wave_format(output)
    check_raster(picture)
    for path in (output, picture):
        check_writable(path)
    found = load_network(network)
    shown = reading.load(images, shape=found.input_shape, labelled=False)
    if image >= len(shown.images):
        raise RheobaseError(f"--image: {image}, must be below {len(shown.images)}")
    one = shown.images[image : image + 1]
    design, _ = simulated_design(found, verilog, folding, reading, board)
    built = built_simulation(found, design, "fast-build", wanted)
    with working("writing the waveform"):
        record_waves(built, one, output)
    draw_raster(found, one[0], picture, f"{found.name}, image {image} of {Path(images).name}")
    say(f"wrote {output}: 10 ns a cycle")
    wrote(picture)
    return Viewed(image=image, waveform=str(output), picture=str(picture))
