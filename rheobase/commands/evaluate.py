"""``rheobase evaluate``: the paper's tasks beside classification, recipes over T."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..golden.errors import RheobaseError
from ..golden.network.choices import Coding
from ..options.cluster import Scheduler, mapper_of
from ..options.files import OutputFolder, check_output_folder
from ..options.images import Calibration, Count
from ..options.models import Model, ModelOptions, Recipes
from ..options.numbers import sorted_numbers
from ..options.time_steps import DelayList, StepsList
from ..results.models import Evaluated, EvaluatedRow
from .sweep import checked_steps

if TYPE_CHECKING:
    from ..converter.studies.task_evaluation import TaskSubject
    from ..golden.basics.mapper import Mapper


@dataclass(frozen=True)
class _Study:
    """One model on one task."""

    task: str
    model: str
    weights: Path | None
    output: Path
    subject: TaskSubject


def evaluate(
    task: Annotated[
        str,
        typer.Argument(help="voc-segmentation, coco-segmentation, coco-detection or kinetics."),
    ],
    model: Model,
    data: Annotated[
        Path,
        typer.Option(
            help="The data set's folder: above VOCdevkit/, above annotations/ and val2017/, or "
            "above train/ and val/ of class folders of videos."
        ),
    ],
    source: ModelOptions,
    output: OutputFolder = Path("evaluate"),
    recipe: Recipes = "robust,ltb,cltb",
    steps: StepsList = "32,64,128,256",
    delay: DelayList = "0",
    calibration: Calibration = 100,
    count: Count = None,
    resize: Annotated[
        int | None,
        typer.Option(
            min=8,
            help="Segmentation: pixels of an image's shorter side (default: 520).",
        ),
    ] = None,
    crop: Annotated[
        int | None,
        typer.Option(min=8, help="kinetics: rows and columns of a clip (default: 112)."),
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, help="Images or clips that pass through the network at a time.")
    ] = 5,
    scheduler: Scheduler = None,
) -> Evaluated:
    """mIoU, COCO's mAP or top-1 of clips, of the CNN and of float SNNs over T.

    Goes on where it was interrupted.
    """
    from ..console import note, show, wrote
    from ..converter.options import check_device
    from ..converter.studies.sweep import recipe_options, write_json
    from ..converter.studies.task_evaluation import TASKS, TaskSubject
    from ..golden.basics.output_files import make_folder
    from ..tables import table

    if task not in TASKS:
        raise RheobaseError(f"task: {task!r}, must be one of {', '.join(TASKS)}")
    source.check_weights()
    if not data.is_dir():
        raise RheobaseError(f"--data: {data}: no such folder")
    check_output_folder(output)
    check_device(source.device)
    pairs = _pairs(checked_steps(steps), sorted_numbers("--delay", delay))
    recipes = recipe.split(",")
    for name in recipes:
        recipe_options(name, Coding.RATE, pairs[-1][0])  # refuses what is no recipe
    size = _size(task, resize, crop)
    subject = TaskSubject(data, calibration, count, size, batch, pairs, source.device)
    study = _Study(task, model, source.weights, output, subject)
    jobs = output / "jobs"
    make_folder(jobs)
    paths = {name: jobs / f"{_key(study, name)}.json" for name in recipes}
    missing = [name for name, path in paths.items() if not path.is_file()]
    with mapper_of(scheduler if missing else None, ["torch", "torchvision"]) as mapper:
        for name in missing:
            write_json(_measured(study, name, mapper), paths[name])
    results = [json.loads(paths[name].read_text()) for name in recipes]
    metrics = list(results[0]["cnn"])
    written = output / "results.csv"
    _write_csv([row for result in results for row in result["rows"]], metrics, written)
    cnn = ", ".join(f"{name} {results[0]['cnn'][name]:.2f}" for name in metrics)
    columns = ("recipe", *(f"T = {t}" + (f", t0 = {t0}" if t0 else "") for t, t0 in pairs))
    shown = [
        [result["recipe"], *(f"{row[metrics[0]]:.2f}" for row in result["rows"])]
        for result in results
    ]
    show(table(f"{task}: {metrics[0]} (%), CNN {cnn}", columns, shown))
    for remark in dict.fromkeys(remark for result in results for remark in result["notes"]):
        note(remark)
    wrote(written)
    return Evaluated(
        task=task,
        cnn=results[0]["cnn"],
        rows=[
            EvaluatedRow(
                recipe=row["recipe"],
                T=row["T"],
                t0=row["t0"],
                metrics={name: row[name] for name in metrics},
            )
            for result in results
            for row in result["rows"]
        ],
        csv=str(written),
    )


def _pairs(steps: tuple[int, ...], starts: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(T, t0), the largest T last."""
    pairs = tuple((step, start) for step in steps for start in starts if 0 <= start < step)
    if not pairs:
        raise RheobaseError(
            f"t0: {list(starts)}, must be integers from 0 below a T of {list(steps)}"
        )
    return pairs


def _size(task: str, resize: int | None, crop: int | None) -> int | None:
    """What is given of the two that ``task`` takes."""
    takes = "--crop" if task == "kinetics" else "--resize" if "segmentation" in task else None
    for option, value in (("--resize", resize), ("--crop", crop)):
        if value is not None and option != takes:
            accepted = "neither" if takes is None else takes
            raise RheobaseError(f"{option}: accepted with {task} is {accepted}")
    return resize if crop is None else crop


def _measured(study: _Study, recipe: str, mapper: Mapper) -> dict[str, Any]:
    from ..console import progress_bar
    from ..converter.data.model import load_model
    from ..converter.snn.float_file import save_float_snn
    from ..converter.studies.sweep import recipe_options
    from ..converter.studies.task_evaluation import evaluate_task

    pairs = study.subject.pairs
    model = load_model(study.model, study.weights)
    options = recipe_options(recipe, Coding.RATE, max(t for t, _ in pairs))
    with progress_bar(recipe, study.subject.test) as progress:
        found = evaluate_task(study.task, model, study.subject, options, progress, mapper)
    conversion = found.conversion
    save_float_snn(conversion.snn, conversion.graph, study.output / f"{recipe}.safetensors")
    cnn = found.metrics[None]
    rows = [
        {
            "recipe": recipe,
            "T": t,
            "t0": t0,
            **found.metrics[t, t0],
            **{f"cnn_{name}": value for name, value in cnn.items()},
        }
        for t, t0 in pairs
    ]
    return {"recipe": recipe, "rows": rows, "cnn": cnn, "notes": found.notes}


def _key(study: _Study, recipe: str) -> str:
    """Name of a result's file: it changes with everything that the result depends on."""
    described: dict[str, Any] = asdict(study.subject)
    for name in ("device", "batch"):
        del described[name]
    described |= {"task": study.task, "model": study.model, "recipe": recipe}
    if study.weights is not None:
        described["weights"] = hashlib.sha256(study.weights.read_bytes()).hexdigest()
    return hashlib.sha256(json.dumps(described, default=str).encode()).hexdigest()[:16]


def _write_csv(rows: list[dict[str, Any]], names: list[str], path: Path) -> None:
    from ..csv_files import write_csv

    columns = ["recipe", "T", "t0", *names, *(f"cnn_{name}" for name in names)]
    rounded = [
        {key: round(v, 4) if isinstance(v, float) else v for key, v in row.items()} for row in rows
    ]
    write_csv(rounded, columns, path)
