"""Commands that convert models and measure what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from .cli_app import app
from .cli_options import (
    AnswersOutput,
    AnyCoding,
    CalibrationImages,
    Crop,
    DataRoot,
    Delays,
    Device,
    Download,
    Folder,
    Images,
    Mean,
    Methods,
    ModelName,
    Network,
    Numbers,
    Processes,
    Resize,
    Std,
    Tested,
    TestImages,
    WeightsFile,
)
from .golden.network import Coding, PoolRule, Readout


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
    answers: AnswersOutput = None,
) -> None:
    """Convert a trained CNN into an integer IF network: no retraining, no labels needed."""
    from .commands.convert import Request, run
    from .converter.data.image_files import Sizing

    run(
        Request(
            model=model, weights=weights, images=images, data_root=data_root, download=download,
            output=output, calibration=calibration, test=test, mean=mean, std=std, coding=coding,
            steps=steps, delay=delay, weight_bits=weight_bits, readout=readout,
            pool_rule=pool_rule, method=method, iterations=iterations, percentile=percentile,
            learning_rate=learning_rate, recipe=recipe, threshold_search=threshold_search,
            calibrate=calibrate, calibrate_first=calibrate_first, weight_budget=weight_budget,
            device=device, float_only=float_only, test_images=test_images,
            sizing=Sizing(resize, crop), clip=clip, answers=answers,
        )
    )  # fmt: skip


@app.command()
def sweep(
    model: ModelName,
    images: Images,
    output: Folder = Path("sweep"),
    weights: WeightsFile = None,
    data_root: DataRoot = None,
    test_images: TestImages = None,
    methods: Methods = "robust,ltb,cltb,best",
    coding: AnyCoding = Coding.RATE,
    steps: Numbers = "4,8,16,32",
    delays: Delays = "0",
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
    answers: AnswersOutput = None,
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
            processes=processes, device=device, resize=resize, crop=crop, answers=answers,
        )
    )  # fmt: skip


@app.command()
def compare(
    model: ModelName,
    images: Images,
    output: Folder = Path("compare"),
    weights: WeightsFile = None,
    data_root: DataRoot = None,
    test_images: TestImages = None,
    coding: AnyCoding = Coding.RATE,
    steps: Numbers = "4,8,16,32",
    calibration: CalibrationImages = 1000,
    test: Tested = 1000,
    mean: Mean = None,
    std: Std = None,
    resize: Resize = None,
    crop: Crop = None,
    answers: AnswersOutput = None,
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
            device=device, resize=resize, crop=crop, answers=answers,
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
    output: Folder = Path("evaluate"),
    weights: WeightsFile = None,
    methods: Methods = "robust,ltb,cltb",
    steps: Numbers = "32,64,128,256",
    delays: Delays = "0",
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
        float | None,
        typer.Option(
            help="The CNN's percentage of right answers (default: what `convert` measured)."
        ),
    ] = None,
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
    from .converter.data.image_files import Sizing

    run(
        Request(
            network=network, images=images, data_root=data_root, test=test,
            sizing=Sizing(resize, crop),
            steps=None if steps is None else number_list("--steps", steps, int),
            cnn_accuracy=cnn_accuracy, synaptic_joules=synaptic_joules, ann_joules=ann_joules,
        )
    )  # fmt: skip
