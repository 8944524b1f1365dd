"""``rheobase sweep``: many conversions of one model, over recipes, T, t0 and weight bits."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..golden.network.choices import MAX_STEPS, Coding
from ..golden.network.time_checks import check_steps
from ..options.cluster import Scheduler
from ..options.files import OutputFolder, check_output_folder
from ..options.images import Calibration, Drawn, ImageOptions, Images, TestImages
from ..options.models import ClassifierOptions, Model, Recipes
from ..options.numbers import number_list, sorted_numbers
from ..options.time_steps import CodingOption, DelayList, StepsList
from ..results.models import Swept, SweptRow

if TYPE_CHECKING:
    from ..converter.studies.sweep import Job


@dataclass(frozen=True)
class StudyOptions:
    """What every conversion of a study has."""

    PANEL = "Study"

    coding: CodingOption = Coding.RATE
    steps: StepsList = "4,8,16,32"
    calibration: Calibration = 1000
    count: Drawn = 1000
    processes: Annotated[int, typer.Option("--processes", min=1, help="Conversions at a time.")] = 1
    scheduler: Scheduler = None


def sweep(
    model: Model,
    images: Images,
    reading: ImageOptions,
    source: ClassifierOptions,
    study: StudyOptions,
    output: OutputFolder = Path("sweep"),
    test_images: TestImages = None,
    recipe: Recipes = "robust,ltb,cltb,best",
    delay: DelayList = "0",
    weight_bits: Annotated[
        str,
        typer.Option(
            help="Bits of a weight, with commas: 2 to 8 on the golden model, 'float' for the float "
            "SNN."
        ),
    ] = "float",
) -> Swept:
    """Recipes x T x t0 x weight bits on one model: a CSV and plots.

    Goes on where it was interrupted. On all GPUs with --device cuda.
    """
    return run_study(
        model,
        images,
        test_images,
        reading,
        source,
        study,
        output,
        recipes=recipe.split(","),
        delays=sorted_numbers("--delay", delay),
        widths=[
            None if part == "float" else number_list("--weight-bits", part, int)[0]
            for part in weight_bits.split(",")
        ],
    )


def run_study(
    model: str,
    images: str,
    test_images: str | None,
    reading: ImageOptions,
    source: ClassifierOptions,
    study: StudyOptions,
    output: Path,
    *,
    recipes: Sequence[str],
    delays: Sequence[int] = (0,),
    widths: Sequence[int | None] = (None,),
) -> Swept:
    """Do what is missing, write ``sweep.csv`` and the plots; rows in the order of the jobs.

    Args:
        widths: weight bits; None for the float SNN.

    Raises:
        RheobaseError: options that cannot be read, files that are absent, or what conversion
            raises.
    """
    from ..console import note, progress_bar, wrote
    from ..converter.options import check_device
    from ..converter.studies.sweep import COLUMNS, Subject, jobs_of, write_json
    from ..converter.studies.sweep_plots import draw_plots
    from ..csv_files import write_csv
    from ..golden.basics.output_files import make_folder

    source.check_weights()
    check_output_folder(output)
    if study.scheduler is None:
        check_device(source.device)
    mean, std = source.normalisation(images)
    steps = checked_steps(study.steps, study.coding)
    subject = Subject(
        model=model,
        weights=None if source.weights is None else str(source.weights),
        images=images,
        test_images=test_images,
        data_root=None if reading.data_root is None else str(reading.data_root),
        mean=mean,
        std=std,
        calibration=study.calibration,
        test=study.count,
        sizing=reading.sizing,
        answers=source.answers,
        download=reading.download,
    )
    jobs = jobs_of(subject, recipes, study.coding, steps, delays, widths)
    folder = output / "jobs"
    make_folder(folder)
    done = {job: _kept(folder / f"{job.key}.json") for job in jobs}
    missing = [job for job, result in done.items() if result is None]
    with progress_bar("sweep", len(jobs)) as progress:
        progress(len(jobs) - len(missing))
        for job, result in _run_all(missing, study, source.device):
            write_json(result, folder / f"{job.key}.json")
            done[job] = result
            progress(1)
    results = [done[job] for job in jobs]
    if reading_of := results[0].get("answers"):
        note(f"answers: {reading_of}")
    table, rows = output / "sweep.csv", [row for result in results for row in result["rows"]]
    write_csv(rows, COLUMNS, table)
    title = f"{Path(model).name} on {Path(test_images or images).name}"
    plots = draw_plots(results, output, title)
    wrote(table, *plots)
    return Swept([_row(row) for row in rows], str(table), [str(path) for path in plots])


def _row(row: dict[str, Any]) -> SweptRow:
    """A row of the CSV file, whose empty fields are None, like bits of the float SNN."""
    empty = {"": None, "float": None}
    return SweptRow(**{key: empty.get(value, value) for key, value in row.items()})


def checked_steps(text: str, coding: Coding = Coding.RATE) -> tuple[int, ...]:
    """Every T of ``text``, the least first.

    Raises:
        RheobaseError: no integers, or one that ``coding`` does not take.
    """
    steps = sorted_numbers("--steps", text)
    for number in steps:
        check_steps("", coding, number, MAX_STEPS[coding.value])
    return steps


def _run_all(
    jobs: Sequence[Job], study: StudyOptions, device: str
) -> Iterator[tuple[Job, dict[str, Any]]]:
    """(job, result) as they finish; GPUs take turns where there are several."""
    import torch

    from ..converter.studies.sweep import SentJobs, run_job

    if not jobs:
        return
    if study.scheduler is not None:
        from ..cluster.cluster import connected

        with connected(study.scheduler, ["torch"]) as cluster:
            for index, result in cluster.completed(SentJobs.of(jobs[0].subject, device), jobs):
                yield jobs[index], result
        return
    gpus = torch.cuda.device_count() if device == "cuda" else 0
    devices = [f"cuda:{index}" for index in range(gpus)] or [device]
    workers = min(study.processes, len(jobs))
    threads = max(1, (os.cpu_count() or 1) // workers)
    if workers == 1:
        for job in jobs:
            yield job, run_job(job, devices[0], threads)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        # Ctrl-C reaches every process of a terminal: the workers leave it to this one.
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            waiting = {
                pool.submit(run_job, job, devices[index % len(devices)], threads): job
                for index, job in enumerate(jobs)
            }
        finally:
            signal.signal(signal.SIGINT, handler)
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException:
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise


def _kept(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None
