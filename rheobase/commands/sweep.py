"""``rheobase sweep`` and ``rheobase compare``: many conversions of one model."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..console import OUT, progress_bar
from ..converter.data.image_files import Sizing
from ..converter.studies.sweep import COLUMNS, Job, Subject, jobs_of, run_job, write_json
from ..converter.studies.sweep_plots import draw_plots
from ..csv_files import write_csv
from ..golden.errors import RheobaseError
from ..golden.network import MAX_STEPS, Coding
from ..golden.output_files import check_folder, make_folder
from ..tables import table
from .convert import check_device, normalisation_of
from .parameters import number_list

#: Table 1: what each partner is called, without and with the framework's balancing.
PARTNERS = {"none": ("robust", "cltb"), "LCP": ("robust-lcp", "lcp"), "ACP": ("robust-acp", "acp")}


@dataclass(frozen=True)
class Request:
    """Options of the command, see ``rheobase sweep --help``."""

    subject: Subject
    output: Path
    methods: tuple[str, ...]
    coding: Coding
    steps: tuple[int, ...]
    delays: tuple[int, ...]
    widths: tuple[int | None, ...]
    processes: int
    device: str


def request_of(
    *,
    model: str,
    weights: Path | None,
    images: str,
    test_images: str | None,
    data_root: Path | None,
    mean: str | None,
    std: str | None,
    calibration: int,
    test: int,
    output: Path,
    methods: str,
    coding: Coding,
    steps: str,
    delays: str,
    bits: str,
    processes: int,
    device: str,
    resize: int | None,
    crop: int | None,
    answers: str | None = None,
) -> Request:
    """The command line's text as values.

    Raises:
        RheobaseError: what cannot be read, or is absent.
    """
    if not (weights is None or weights.is_file()):
        raise RheobaseError(f"{weights}: no such file")
    if not output.parent.is_dir():
        raise RheobaseError(f"{output}: no folder {output.parent} to write to")
    check_folder(output)
    check_device(device)
    means, deviations = normalisation_of(images, mean, std)
    widths = tuple(
        None if part == "float" else number_list("--bits", part, int)[0] for part in bits.split(",")
    )
    return Request(
        subject=Subject(
            model=model,
            weights=None if weights is None else str(weights),
            images=images,
            test_images=test_images,
            data_root=None if data_root is None else str(data_root),
            mean=means,
            std=deviations,
            calibration=calibration,
            test=test,
            sizing=Sizing(resize, crop),
            answers=answers,
        ),
        output=output,
        methods=tuple(methods.split(",")),
        coding=coding,
        steps=tuple(sorted(set(number_list("--steps", steps, int)))),
        delays=tuple(sorted(set(number_list("--t0", delays, int)))),
        widths=widths,
        processes=processes,
        device=device,
    )


def run(request: Request) -> list[dict[str, Any]]:
    """Do what is missing, write ``sweep.csv`` and the plots; results in the order of the jobs."""
    highest = MAX_STEPS[request.coding.value]
    if not all(1 <= step <= highest for step in request.steps):
        raise RheobaseError(
            f"T: {list(request.steps)}, accepted is integers in 1..{highest} in "
            f"{request.coding.value} coding"
        )
    jobs = jobs_of(
        request.subject, request.methods, request.coding, request.steps, request.delays,
        request.widths,
    )  # fmt: skip
    folder = request.output / "jobs"
    make_folder(folder)
    done = {job: _kept(folder / f"{job.key}.json") for job in jobs}
    missing = [job for job, result in done.items() if result is None]
    with progress_bar("sweep", len(jobs)) as progress:
        progress(len(jobs) - len(missing))
        for job, result in _run_all(missing, request.processes, request.device):
            write_json(result, folder / f"{job.key}.json")
            done[job] = result
            progress(1)
    results = [done[job] for job in jobs]
    if reading := results[0].get("answers"):
        OUT.print(f"answers: {reading}", highlight=False, markup=False)
    _write_csv([row for result in results for row in result["rows"]], request.output)
    for path in draw_plots(results, request.output):
        OUT.print(f"wrote {path}", highlight=False, soft_wrap=True)
    return results


def compare(request: Request) -> None:
    """Table 1: each calibration partner without and with channel-wise balancing."""
    results = run(request)
    found = {
        (row["method"], row["T"]): row["accuracy"]
        for result in results
        for row in result["rows"]
        if row["t0"] == 0
    }
    fitted = {row["method"]: row["weights_fitted"] for result in results for row in result["rows"]}
    rows = []
    for partner, methods in PARTNERS.items():
        for method, name in zip(methods, ("RobustNorm", "CLTB"), strict=True):
            cells = [f"{found[method, step]:.2f}" for step in request.steps]
            rows.append([partner, name, *cells])
    cnn = results[0]["rows"][0]["cnn_accuracy"]
    columns = ("partner", "thresholds", *(f"T = {step}" for step in request.steps))
    OUT.print(table(f"right answers (%) at t0 = 0, CNN {cnn:.2f}", columns, rows))
    layers = fitted[PARTNERS["ACP"][1]].replace("/", " of ")
    OUT.print(
        f"ACP fitted the weights of {layers} layers; where max pooling stands before the neurons, "
        "or a layer has no kernel of its own, it fits the biases alone",
        highlight=False,
    )


def _run_all(jobs: Sequence[Job], processes: int, device: str) -> Any:
    """(job, result) as they finish; GPUs take turns where there are several."""
    if not jobs:
        return
    gpus = torch.cuda.device_count() if device == "cuda" else 0
    devices = [f"cuda:{index}" for index in range(gpus)] or [device]
    workers = min(processes, len(jobs))
    threads = max(1, (os.cpu_count() or 1) // workers)
    if workers == 1:
        for job in jobs:
            yield job, run_job(job, devices[0], threads)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting = {
            pool.submit(run_job, job, devices[index % len(devices)], threads): job
            for index, job in enumerate(jobs)
        }
        for future in as_completed(waiting):
            yield waiting[future], future.result()


def _kept(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _write_csv(rows: Sequence[dict[str, Any]], folder: Path) -> None:
    write_csv(rows, COLUMNS, folder / "sweep.csv")
    OUT.print(f"wrote {folder / 'sweep.csv'}", highlight=False, soft_wrap=True)
