"""``rheobase evaluate``: the paper's tasks beside classification, methods over T."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..console import OUT, progress_bar
from ..converter.data.model import load_model
from ..converter.snn.float_file import save_float_snn
from ..converter.studies.sweep import method_options, write_json
from ..converter.studies.task_evaluation import TASKS, TaskSubject, evaluate_task
from ..csv_files import write_csv
from ..golden.errors import RheobaseError
from ..golden.network import MAX_STEPS, Coding
from ..golden.output_files import check_folder, make_folder
from ..tables import table
from .convert import check_device
from .parameters import number_list


@dataclass(frozen=True)
class Request:
    """Options of the command, see ``rheobase evaluate --help``."""

    task: str
    model: str
    weights: Path | None
    methods: tuple[str, ...]
    output: Path
    subject: TaskSubject


def request_of(
    *,
    task: str,
    model: str,
    weights: Path | None,
    data: Path,
    output: Path,
    methods: str,
    steps: str,
    delays: str,
    calibration: int,
    test: int | None,
    size: int | None,
    batch: int,
    device: str,
) -> Request:
    """The command line's text as values.

    Raises:
        RheobaseError: what cannot be read, or is absent.
    """
    if task not in TASKS:
        raise RheobaseError(f"task: {task!r}, accepted is one of {', '.join(TASKS)}")
    if not (weights is None or weights.is_file()):
        raise RheobaseError(f"{weights}: no such file")
    if not data.is_dir():
        raise RheobaseError(f"--data: {data}: no such folder")
    if not output.parent.is_dir():
        raise RheobaseError(f"{output}: no folder {output.parent} to write to")
    check_folder(output)
    check_device(device)
    numbers = sorted(set(number_list("--steps", steps, int)))
    highest = MAX_STEPS[Coding.RATE.value]
    if not all(1 <= step <= highest for step in numbers):
        raise RheobaseError(f"T: {numbers}, accepted is integers in 1..{highest}")
    starts = sorted(set(number_list("--t0", delays, int)))
    pairs = tuple((step, start) for step in numbers for start in starts if 0 <= start < step)
    if not pairs:
        raise RheobaseError(f"t0: {starts}, accepted is integers from 0 below a T of {numbers}")
    for method in methods.split(","):
        method_options(method, Coding.RATE, max(numbers))  # refuses what is no recipe
    return Request(
        task=task,
        model=model,
        weights=weights,
        methods=tuple(methods.split(",")),
        output=output,
        subject=TaskSubject(data, calibration, test, size, batch, pairs, device),
    )


def run(request: Request) -> None:
    """Do what is missing, write ``results.csv`` and each method's thresholds, print the table."""
    jobs = request.output / "jobs"
    make_folder(jobs)
    results = []
    for method in request.methods:
        path = jobs / f"{_key(request, method)}.json"
        if not path.is_file():
            write_json(_measured(request, method), path)
        results.append(json.loads(path.read_text()))
    rows = [row for result in results for row in result["rows"]]
    names = list(results[0]["cnn"])
    _write_csv(rows, names, request.output / "results.csv")
    cnn = ", ".join(f"{name} {results[0]['cnn'][name]:.2f}" for name in names)
    pairs = request.subject.pairs
    columns = ("method", *(f"T = {t}" + (f", t0 = {t0}" if t0 else "") for t, t0 in pairs))
    shown = [
        [result["method"], *(f"{row[names[0]]:.2f}" for row in result["rows"])]
        for result in results
    ]
    OUT.print(table(f"{request.task}: {names[0]} (%), CNN {cnn}", columns, shown))
    for note in dict.fromkeys(note for result in results for note in result["notes"]):
        OUT.print(note, highlight=False)
    OUT.print(f"wrote {request.output / 'results.csv'}", highlight=False, soft_wrap=True)


def _measured(request: Request, method: str) -> dict[str, Any]:
    model = load_model(request.model, request.weights)
    options = method_options(method, Coding.RATE, max(t for t, _ in request.subject.pairs))
    with progress_bar(method, request.subject.test) as progress:
        found = evaluate_task(request.task, model, request.subject, options, progress)
    conversion = found.conversion
    save_float_snn(conversion.snn, conversion.graph, request.output / f"{method}.safetensors")
    cnn = found.metrics[None]
    rows = [
        {"method": method, "T": t, "t0": t0, **found.metrics[t, t0],
         **{f"cnn_{name}": value for name, value in cnn.items()}}
        for t, t0 in request.subject.pairs
    ]  # fmt: skip
    return {"method": method, "rows": rows, "cnn": cnn, "notes": found.notes}


def _key(request: Request, method: str) -> str:
    """Name of a result's file: it changes with everything that the result depends on."""
    described: dict[str, Any] = asdict(request.subject)
    for name in ("device", "batch"):
        del described[name]
    described |= {"task": request.task, "model": request.model, "method": method}
    if request.weights is not None:
        described["weights"] = hashlib.sha256(request.weights.read_bytes()).hexdigest()
    return hashlib.sha256(json.dumps(described, default=str).encode()).hexdigest()[:16]


def _write_csv(rows: list[dict[str, Any]], names: list[str], path: Path) -> None:
    columns = ["method", "T", "t0", *names, *(f"cnn_{name}" for name in names)]
    rounded = [
        {key: round(v, 4) if isinstance(v, float) else v for key, v in row.items()} for row in rows
    ]
    write_csv(rounded, columns, path)
