"""The ``rheobase`` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from .boards.registry import BOARDS, VERILOG_TARGETS
from .golden.errors import RheobaseError
from .golden.network import Coding, PoolRule, Readout

app = typer.Typer(
    help="From a trained PyTorch CNN to a spiking accelerator on an FPGA, proven spike by spike.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Network = Annotated[Path, typer.Argument(help="Network file that `rheobase convert` wrote.")]
Images = Annotated[
    str,
    typer.Option(
        help="Images: a torchvision data set (MNIST, CIFAR10, ...), a folder of class folders, or "
        "'digits' (scikit-learn's)."
    ),
]
DataRoot = Annotated[
    Path | None,
    typer.Option(help="torchvision's folder, the one above MNIST/."),
]
Download = Annotated[bool, typer.Option("--download", help="Fetch the data set if it is absent.")]
Resize = Annotated[
    int | None,
    typer.Option(
        min=1, help="Images of a folder: shorter side in pixels, as the weights were trained."
    ),
]
Crop = Annotated[
    int | None,
    typer.Option(min=1, help="Images of a folder: rows and columns cut out of the middle."),
]
Neurons = Annotated[
    str | None,
    typer.Option("--neurons", "-P", help="P of each layer, with commas: 8,16,16,2."),
]
Lanes = Annotated[
    str | None,
    typer.Option("--lanes", "-E", help="Event lanes E of each layer, with commas: 3,3,3,1."),
]
Adders = Annotated[
    int | None,
    typer.Option(help="Adders in all that the computed P and E may use (without -P and -E)."),
]

Luts = Annotated[
    int | None, typer.Option(help="Look-up tables (LUT4) that the computed folding may use.")
]
MemoryBits = Annotated[
    int | None, typer.Option(help="Bits of block RAM that the computed folding may use.")
]
TargetFps = Annotated[
    float | None,
    typer.Option(help="Images a second at the clock: the smallest folding that reaches them."),
]
CountedImages = Annotated[
    str | None,
    typer.Option(
        "--images",
        help="Folder of class folders whose first images tell the folding how many events to "
        "expect; a guess without it.",
    ),
]

Baud = Annotated[int, typer.Option(min=1, help="Bits per second of the serial line.")]


@app.command()
def convert(
    model: Annotated[
        str, typer.Argument(help="Model: package.module:factory or path.py:factory, no arguments.")
    ],
    images: Images,
    output: Annotated[Path, typer.Option("--output", "-o", help="Network file to write.")] = Path(
        "network.safetensors"
    ),
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights: .safetensors, or a .pth that holds weights and nothing else."),
    ] = None,
    data_root: DataRoot = None,
    download: Download = False,
    calibration: Annotated[
        int, typer.Option(min=1, help="Training images to balance thresholds on.")
    ] = 1000,
    test: Annotated[
        int, typer.Option(min=0, help="Test images to compare CNN, SNN and network on (0: none).")
    ] = 1000,
    mean: Annotated[
        str | None,
        typer.Option(
            help="Mean of the model's normalisation, per channel with commas, pixels 0..1."
            " Known sets have a default."
        ),
    ] = None,
    std: Annotated[
        str | None, typer.Option(help="Standard deviation of the normalisation, like --mean.")
    ] = None,
    coding: Annotated[
        Coding, typer.Option(help="rate: the published IF neuron. radix: T bit planes, fast.")
    ] = Coding.RATE,
    steps: Annotated[int, typer.Option("--steps", "-T", help="Time steps T.")] = 8,
    delay: Annotated[
        int | None,
        typer.Option("--delay", "--t0", help="t0, counting starts after it (default: eq. 19)."),
    ] = None,
    weight_bits: Annotated[int, typer.Option(help="Bits of a weight, 2 to 8.")] = 8,
    readout: Annotated[
        Readout, typer.Option(help="count: spikes of the last layer. current: its summed currents.")
    ] = Readout.CURRENT,
    pool_rule: Annotated[
        PoolRule, typer.Option(help="Max pooling on accumulated currents, or step by step.")
    ] = PoolRule.CUMULATIVE,
    method: Annotated[
        Literal["cltb", "ltb", "robust"],
        typer.Option(help="Balancing: per channel, per layer, or percentile."),
    ] = "cltb",
    iterations: Annotated[
        int | None,
        typer.Option(min=1, help="K of eq. 14-15; fewer give lower thresholds (default: from T)."),
    ] = None,
    percentile: Annotated[float, typer.Option(help="Percentile of --method robust.")] = 99.0,
    learning_rate: Annotated[float, typer.Option(help="Learning rate of eq. 15, in (0, 1].")] = 1.0,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Preset in place of --method and what is calibrated: robust, ltb, cltb, search, "
            "lcp, acp, search-lcp, best, ..."
        ),
    ] = None,
    threshold_search: Annotated[
        bool,
        typer.Option(
            "--threshold-search", help="Thresholds by the least error of each layer's own output."
        ),
    ] = False,
    calibrate: Annotated[
        Literal["none", "lcp", "acp"],
        typer.Option(help="Light calibration for this T: of biases, or of weights too."),
    ] = "none",
    calibrate_first: Annotated[
        bool, typer.Option("--calibrate-first", help="Calibrate before balancing, not after.")
    ] = False,
    weight_budget: Annotated[
        str | None,
        typer.Option(
            help="Bits of all kernels: 1.1Mbit, 300kbit or 4bit/weight; sensitive layers get more."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="torch device for calibration.")] = "cpu",
    float_only: Annotated[
        bool,
        typer.Option(
            "--float",
            help="The float SNN alone, which also holds what the integer network cannot (3-d "
            "convolution, interpolation, GroupNorm); writes its thresholds.",
        ),
    ] = False,
    test_images: Annotated[
        str | None, typer.Option(help="Images to test on, where --images is a folder.")
    ] = None,
    resize: Resize = None,
    crop: Crop = None,
    clip: Annotated[
        int | None,
        typer.Option(min=1, help="Frames of a clip, where --images is class folders of videos."),
    ] = None,
) -> None:
    """Convert a trained CNN into an integer IF network: no retraining, no labels needed."""
    from .commands.convert import Request, run
    from .converter.image_files import Sizing

    run(
        Request(
            model=model, weights=weights, images=images, data_root=data_root, download=download,
            output=output, calibration=calibration, test=test, mean=mean, std=std, coding=coding,
            steps=steps, delay=delay, weight_bits=weight_bits, readout=readout,
            pool_rule=pool_rule, method=method, iterations=iterations, percentile=percentile,
            learning_rate=learning_rate, recipe=recipe, threshold_search=threshold_search,
            calibrate=calibrate, calibrate_first=calibrate_first, weight_budget=weight_budget,
            device=device, float_only=float_only, test_images=test_images,
            sizing=Sizing(resize, crop), clip=clip,
        )
    )  # fmt: skip


ModelName = Annotated[
    str, typer.Argument(help="Model: package.module:factory or path.py:factory, no arguments.")
]
WeightsFile = Annotated[
    Path | None,
    typer.Option(help="Weights: .safetensors, or a .pth that holds weights and nothing else."),
]
TestImages = Annotated[
    str | None,
    typer.Option(help="Folder of class folders to test on, where --images is one to calibrate on."),
]
Numbers = Annotated[str, typer.Option("--steps", "-T", help="Time steps T, with commas.")]
Mean = Annotated[str | None, typer.Option(help="Mean of the normalisation, with commas.")]
Std = Annotated[str | None, typer.Option(help="Standard deviation, like --mean.")]
CalibrationImages = Annotated[int, typer.Option(min=1, help="Training images to calibrate on.")]
Tested = Annotated[int, typer.Option(min=1, help="Labelled test images.")]
Processes = Annotated[int, typer.Option(min=1, help="Conversions at a time.")]
Device = Annotated[str, typer.Option(help="torch device; 'cuda' uses all GPUs.")]


@app.command()
def sweep(
    model: ModelName,
    images: Images,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path(
        "sweep"
    ),
    weights: WeightsFile = None,
    data_root: DataRoot = None,
    test_images: TestImages = None,
    methods: Annotated[
        str, typer.Option(help="Recipes, with commas; NAME@K sets K of eq. 14-15.")
    ] = "robust,ltb,cltb,best",
    coding: Annotated[Coding, typer.Option(help="rate or radix.")] = Coding.RATE,
    steps: Numbers = "4,8,16,32",
    delays: Annotated[str, typer.Option("--delays", "--t0", help="t0, with commas.")] = "0",
    bits: Annotated[
        str,
        typer.Option(help="Weight bits, with commas: 'float', or 2 to 8 on the golden model."),
    ] = "float",
    calibration: CalibrationImages = 1000,
    test: Tested = 1000,
    mean: Mean = None,
    std: Std = None,
    resize: Resize = None,
    crop: Crop = None,
    processes: Processes = 1,
    device: Device = "cpu",
) -> None:
    """Methods x T x t0 x bits on one model: a CSV and plots. Goes on where it was interrupted."""
    from .commands.sweep import request_of, run

    run(
        request_of(
            model=model, weights=weights, images=images, test_images=test_images,
            data_root=data_root, mean=mean, std=std, calibration=calibration, test=test,
            output=output, methods=methods, coding=coding, steps=steps, delays=delays, bits=bits,
            processes=processes, device=device, resize=resize, crop=crop,
        )
    )  # fmt: skip


@app.command()
def compare(
    model: ModelName,
    images: Images,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path(
        "compare"
    ),
    weights: WeightsFile = None,
    data_root: DataRoot = None,
    test_images: TestImages = None,
    coding: Annotated[Coding, typer.Option(help="rate or radix.")] = Coding.RATE,
    steps: Numbers = "4,8,16,32",
    calibration: CalibrationImages = 1000,
    test: Tested = 1000,
    mean: Mean = None,
    std: Std = None,
    resize: Resize = None,
    crop: Crop = None,
    processes: Processes = 1,
    device: Device = "cpu",
) -> None:
    """Table 1: no partner, LCP and ACP, each with RobustNorm and with channel-wise balancing."""
    from .commands.sweep import PARTNERS, request_of
    from .commands.sweep import compare as run

    run(
        request_of(
            model=model, weights=weights, images=images, test_images=test_images,
            data_root=data_root, mean=mean, std=std, calibration=calibration, test=test,
            output=output, methods=",".join(name for pair in PARTNERS.values() for name in pair),
            coding=coding, steps=steps, delays="0", bits="float", processes=processes,
            device=device, resize=resize, crop=crop,
        )
    )  # fmt: skip


@app.command()
def evaluate(
    task: Annotated[
        str,
        typer.Argument(help="voc-segmentation, coco-segmentation, coco-detection or kinetics."),
    ],
    model: ModelName,
    data: Annotated[
        Path,
        typer.Option(
            help="The data set's folder: above VOCdevkit/, above annotations/ and val2017/, or "
            "above train/ and val/ of class folders of videos."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path(
        "evaluate"
    ),
    weights: WeightsFile = None,
    methods: Annotated[
        str, typer.Option(help="Recipes, with commas; NAME@K sets K of eq. 14-15.")
    ] = "robust,ltb,cltb",
    steps: Numbers = "32,64,128,256",
    delays: Annotated[str, typer.Option("--delays", "--t0", help="t0, with commas.")] = "0",
    calibration: Annotated[
        int, typer.Option(min=1, help="Images or videos of the training part to balance on.")
    ] = 100,
    test: Annotated[
        int | None,
        typer.Option(min=1, help="Images or videos of the validation part (default: all)."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=8,
            help="Shorter side of images (520), or crop of videos (112); detectors have their own.",
        ),
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, help="Images or clips that pass through the network at a time.")
    ] = 5,
    device: Device = "cpu",
) -> None:
    """mIoU, COCO's mAP or top-1 of clips, of the CNN and of float SNNs over T. Resumes."""
    from .commands.evaluate import request_of, run

    run(
        request_of(
            task=task, model=model, weights=weights, data=data, output=output, methods=methods,
            steps=steps, delays=delays, calibration=calibration, test=test, size=size, batch=batch,
            device=device,
        )
    )  # fmt: skip


@app.command()
def energy(
    network: Network,
    images: Images,
    cnn_accuracy: Annotated[
        float, typer.Option(help="The CNN's percentage of right answers on these images.")
    ],
    data_root: DataRoot = None,
    test: Tested = 200,
    resize: Resize = None,
    crop: Crop = None,
    steps: Annotated[
        str | None, typer.Option("--steps", "-T", help="Time steps T, with commas.")
    ] = None,
    synaptic_joules: Annotated[
        float, typer.Option(help="Joules per synaptic operation of the SNN.")
    ] = 77e-15,
    ann_joules: Annotated[float, typer.Option(help="Joules per operation of the CNN.")] = 12.5e-12,
) -> None:
    """Count synaptic operations and estimate FPS/W; SOP90 and SOP95 among the given T."""
    from .commands.energy import Request, run
    from .commands.parameters import number_list
    from .converter.image_files import Sizing

    run(
        Request(
            network=network, images=images, data_root=data_root, test=test,
            sizing=Sizing(resize, crop),
            steps=None if steps is None else number_list("--steps", steps, int),
            cnn_accuracy=cnn_accuracy, synaptic_joules=synaptic_joules, ann_joules=ann_joules,
        )
    )  # fmt: skip


@app.command()
def generate(
    network: Network,
    output: Annotated[Path, typer.Option("--output", "-o", help="Verilog file to write.")] = Path(
        "accelerator.v"
    ),
    neurons: Neurons = None,
    lanes: Lanes = None,
    adders: Adders = None,
    board: Annotated[
        str | None,
        typer.Option(help=f"Board to fill with the fastest folding: {', '.join(BOARDS)}."),
    ] = None,
    luts: Luts = None,
    memory_bits: MemoryBits = None,
    target_fps: TargetFps = None,
    clock: Annotated[
        float | None, typer.Option(help="Design clock, MHz (default: the board's usual one).")
    ] = None,
    images: CountedImages = None,
) -> None:
    """Write a network's accelerator as one self-contained Verilog file, top module accelerator.

    Prints the plan first: P, E, memories and cycles of each layer, and what it takes of a device.
    """
    from .boards.registry import board as find_board
    from .commands.folding_options import FoldingOptions
    from .commands.generate import run

    options = FoldingOptions(
        neurons=neurons, lanes=lanes, adders=adders,
        board=None if board is None else find_board(board), luts=luts, memory_bits=memory_bits,
        target_fps=target_fps, clock=clock, images=images,
    )  # fmt: skip
    run(network, output, options)


@app.command()
def simulate(
    network: Network,
    images: Images,
    data_root: DataRoot = None,
    download: Download = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")] = None,
    record: Annotated[
        int, typer.Option(min=0, help="Images to compare spike by spike, in every layer.")
    ] = 100,
    steps: Annotated[
        int | None, typer.Option("--steps", "-T", help="T, at most the network's.")
    ] = None,
    delay: Annotated[int | None, typer.Option("--delay", "--t0", help="t0 < T.")] = None,
    neurons: Neurons = None,
    lanes: Lanes = None,
    adders: Adders = None,
    gap: Annotated[
        int, typer.Option(min=0, max=99, help="Percentage of cycles without a pixel.")
    ] = 0,
    stall: Annotated[
        int, typer.Option(min=0, max=99, help="Percentage of cycles without a taken result.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of gaps and stalls.")] = 0,
) -> None:
    """Run a network's Verilog in Verilator and compare it with the golden model.

    Exits with status 1 where anything differs.
    """
    from .commands.simulate import Request, run

    equal = run(
        Request(
            network=network, images=images, data_root=data_root, download=download, limit=limit,
            record=record, steps=steps, delay=delay, neurons=neurons, lanes=lanes, adders=adders,
            gap=gap, stall=stall, seed=seed,
        )
    )  # fmt: skip
    if not equal:
        raise typer.Exit(1)


@app.command()
def build(
    network: Network,
    board: Annotated[
        str,
        typer.Option(
            help=f"{', '.join(BOARDS)}; {' or '.join(VERILOG_TARGETS)} for plain Verilog."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to make (default: build/BOARD).")
    ] = None,
    clock: Annotated[
        float | None, typer.Option(help="Design clock, MHz (default: the board's usual one).")
    ] = None,
    baud: Baud = 3_000_000,
    neurons: Neurons = None,
    lanes: Lanes = None,
    adders: Adders = None,
    luts: Luts = None,
    memory_bits: MemoryBits = None,
    target_fps: TargetFps = None,
    images: CountedImages = None,
    allow_timing_fail: Annotated[
        bool,
        typer.Option("--allow-timing-fail", help="Keep a bitstream that is too slow for --clock."),
    ] = False,
) -> None:
    """Build a board's bitstream with yosys and nextpnr, or plain Verilog for another flow.

    Without -P, -E and --adders the folding is the fastest that fits the board; its plan is printed
    first.
    """
    from .commands.build import Request, run
    from .commands.folding_options import FoldingOptions

    options = FoldingOptions(
        neurons=neurons, lanes=lanes, adders=adders, luts=luts, memory_bits=memory_bits,
        target_fps=target_fps, clock=clock, images=images,
    )  # fmt: skip
    run(
        Request(
            network=network, board=board, output=output, baud=baud,
            allow_timing_fail=allow_timing_fail, folding=options,
        )
    )  # fmt: skip


@app.command()
def program(
    bitstream: Annotated[Path, typer.Argument(help="Bitstream, or the folder of a build.")],
    board: Annotated[
        str | None, typer.Option(help="Board (default: what the build's manifest says).")
    ] = None,
    flash: Annotated[
        bool, typer.Option("--flash", help="Write the flash memory, for every start to come.")
    ] = False,
) -> None:
    """Configure a board with openFPGALoader."""
    from .commands.program import run

    run(bitstream, board, flash)


@app.command("run")
def run_images(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="[NETWORK.safetensors] IMAGES...",
            help="Network that the board must have, whose golden model is compared then; image "
            "files, a torchvision data set, a folder of class folders, or 'digits'.",
        ),
    ],
    port: Annotated[str, typer.Option(help="Serial port of the board, e.g. /dev/ttyUSB0.")],
    baud: Baud = 3_000_000,
    timeout: Annotated[
        float, typer.Option(min=0.01, help="Seconds of silence until a request is sent again.")
    ] = 1.0,
    data_root: DataRoot = None,
    download: Download = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", "-T", help="T, at most the network's.")
    ] = None,
    delay: Annotated[int | None, typer.Option("--delay", "--t0", help="t0 < T.")] = None,
) -> None:
    """Classify images on a board.

    Exits with status 1 where a given network's golden model says otherwise.
    """
    from .commands.run import Request, run

    equal = run(
        Request(
            sources=sources, port=port, baud=baud, timeout=timeout, data_root=data_root,
            download=download, limit=limit, steps=steps, delay=delay,
        )
    )  # fmt: skip
    if not equal:
        raise typer.Exit(1)


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path(
        "build/demo"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training.")] = 0,
) -> None:
    """Train a small CNN on scanned digits, convert it, and prove its Verilog on all of them."""
    from .commands.demo import run

    if not run(output, seed):
        raise typer.Exit(1)


def main() -> None:
    """Entry point: bad input is one line on standard error and exit status 2."""
    try:
        app()
    except RheobaseError as error:
        print(f"rheobase: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
