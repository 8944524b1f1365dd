"""Sweeps: rows, resuming, plots, and the command line."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from rheobase.cli import app
from rheobase.converter import convert
from rheobase.converter.data.data import load_images
from rheobase.converter.data.model import load_model
from rheobase.converter.data.pixels import normalised
from rheobase.converter.measure.accuracy import accuracy_table
from rheobase.converter.options import Options
from rheobase.converter.recipes import RECIPES, with_recipe
from rheobase.converter.snn.snn import FloatSnn
from rheobase.converter.studies import sweep
from rheobase.golden.errors import RheobaseError
from rheobase.golden.network.network import Coding
from rheobase.golden.run.run import run_golden

MODEL = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(24, 10),
    )
"""


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    path = tmp_path / "net.py"
    path.write_text(MODEL)
    return [
        f"{path}:net",
        "--images",
        "digits",
        "--calibration",
        "60",
        "--count",
        "50",
        "-o",
        str(tmp_path / "out"),
        "-T",
        "2,4",
    ]


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep.csv").open() as file:
        return list(csv.DictReader(file))


def test_sweep_writes_rows_and_plots_and_resumes(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--recipe", "cltb,cltb@20,lcp", "--t0", "0,1,3"]
    result = CliRunner().invoke(app, ["sweep", *arguments, *options], catch_exceptions=False)
    assert result.exit_code == 0
    rows = rows_of(tmp_path / "out")
    pairs = [("2", "0"), ("2", "1"), ("4", "0"), ("4", "1"), ("4", "3")]
    for recipe, iterations in (("cltb", "200"), ("cltb", "20"), ("lcp", "200")):
        found = [
            (row["T"], row["t0"])
            for row in rows
            if row["recipe"] == recipe and row["iterations"] == iterations
        ]
        assert found == pairs
    for name in ("accuracy_over_steps", "accuracy_over_delay", "thresholds", "spike_rates"):
        path = tmp_path / "out" / name
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        drawn = path.with_suffix(".svg").read_text()
        # What is drawn says of what it is, in words that can be searched for.
        assert "net.py:net on digits, rate, " in drawn and "test images" in drawn
    over_steps = (tmp_path / "out" / "accuracy_over_steps.svg").read_text()
    assert all(f">{name}<" in over_steps for name in ("cltb", "cltb, K = 20", "lcp", "CNN"))

    lost = next((tmp_path / "out" / "jobs").glob("*.json"))
    lost.unlink()
    done, run_job = [], sweep.run_job

    def counted(job: sweep.Job, device: str, threads: int) -> dict:
        done.append(job)
        return run_job(job, device, threads)

    monkeypatch.setattr(sweep, "run_job", counted)
    CliRunner().invoke(app, ["sweep", *arguments, *options], catch_exceptions=False)
    assert [job.key for job in done] == [lost.stem]
    assert rows_of(tmp_path / "out") == rows


@pytest.mark.slow
def test_comparison_is_one_command(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["table1", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    for text in ("RobustNorm", "CLTB", "LCP", "ACP", "T = 4"):
        assert text in result.output


def test_integer_rows_come_from_the_golden_model(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    subject = sweep.Subject(
        f"{tmp_path / 'net.py'}:net", None, "digits", None, None, (0.5,), (0.25,), 60, 50
    )
    rows = {}
    for bits in (None, 8, 2):
        job = sweep.Job(subject, "cltb", "radix", (4,), (0,), bits)
        before = torch.get_num_threads()
        rows[bits] = sweep.run_job(job, threads=before + 1)["rows"][0]
        # What runs behind it in the same process has as many threads as it had.
        assert torch.get_num_threads() == before
    assert rows[None]["weight_bits"] == "float" and rows[8]["weight_bits"] == 8
    assert abs(rows[None]["accuracy"] - rows[8]["accuracy"]) <= 4
    keys = {sweep.Job(subject, "cltb", "radix", (4,), (0,), bits).key for bits in (None, 8, 2)}
    assert len(keys) == 3


def test_columns_say_what_they_count(tmp_path: Path) -> None:
    """Spikes over all neurons, of the network that the row is about; K, images, fitted layers."""
    (tmp_path / "net.py").write_text(MODEL)
    subject = sweep.Subject(
        f"{tmp_path / 'net.py'}:net", None, "digits", None, None, (0.5,), (0.25,), 60, 50
    )

    def row(recipe: str, bits: int | None, steps: tuple[int, ...] = (4,)) -> dict:
        return sweep.run_job(sweep.Job(subject, recipe, "rate", steps, (0,), bits))["rows"][-1]

    images = load_images("digits").sample(50, 1).images
    training = load_images("digits", train=True).sample(60, 0).images
    options = replace(sweep.recipe_options("cltb@20", Coding.RATE, 4), weight_bits=3)
    model = load_model(f"{tmp_path / 'net.py'}:net", None)
    made = convert(model, training, mean=[0.5], std=[0.25], options=options)
    layers = run_golden(made.network, images, record=True).layers[:2]
    spikes = sum(int(layer.spikes.sum()) for layer in layers)
    neurons = sum(layer.spikes[0, 0].size for layer in layers)
    found = row("cltb@20", 3)
    assert found["spikes_per_neuron"] == pytest.approx(spikes / neurons / 50, abs=1e-4)
    assert neurons == 4 * 16 + 6 * 4
    single = row("cltb@20", None)
    pixels = torch.from_numpy(normalised(images, (0.5,), (0.25,)).numpy())
    rates = made.snn.run(pixels).spikes
    sizes = dict(zip(rates, (4 * 16, 6 * 4), strict=True))
    expected = sum(rates[name] * sizes[name] for name in rates) / neurons
    assert single["spikes_per_neuron"] == pytest.approx(expected, abs=1e-3)
    assert (found["images"], found["calibration_images"]) == (50, 60)
    assert (found["iterations"], found["weights_fitted"]) == (20, "")
    assert row("robust", None)["iterations"] is None
    # Whether a layer's change holds on other images may hang on a rounding: asked of `convert`.
    job = sweep.Job(replace(subject, calibration=200), "acp", "rate", (4,), (0,), None)
    fitted = convert(
        model,
        load_images("digits", train=True).sample(200, 0).images,
        mean=[0.5],
        std=[0.25],
        options=sweep.recipe_options("acp", Coding.RATE, 4),
    ).calibrated
    assert fitted is not None and fitted.changed
    found = sweep.run_job(job)["rows"][-1]
    assert found["weights_fitted"] == f"{len(fitted.changed)}/3"


def test_table_is_that_of_separate_simulations(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    from rheobase.converter.rewrite.rewrite import prepared
    from rheobase.converter.thresholds.balancing import balance
    from rheobase.converter.tracing.trace import trace

    graph = prepared(trace(load_model(f"{tmp_path / 'net.py'}:net", None), (1, 8, 8)))
    images = load_images("digits").first(60)
    batches = list(normalised(images.images, (0.5,), (0.25,)).split(30))
    labels = list(torch.from_numpy(images.labels).split(30))
    thresholds = balance(graph, batches).thresholds
    snn = FloatSnn(graph=graph, thresholds=thresholds, steps=8)
    table = accuracy_table(snn, batches, labels, [3, 8], [0, 2, 5]).table
    assert set(table) == {(3, 0), (3, 2), (8, 0), (8, 2), (8, 5)}
    for (steps, delay), accuracy in table.items():
        alone = FloatSnn(graph=graph, thresholds=thresholds, steps=steps, delay=delay)
        answers = torch.cat([alone(batch).argmax(1) for batch in batches])
        expected = 100 * float((answers == torch.cat(labels)).float().mean())
        assert accuracy == pytest.approx(expected, abs=2)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--recipe", "magic", "recipe: 'magic', must be one of"),
        ("--recipe", "cltb@0", "must be RECIPE or RECIPE@K"),
        ("-T", "0,4", "must be an integer in 1.."),
    ],
)
def test_bad_sweeps_are_refused(
    arguments: list[str], option: str, value: str, message: str
) -> None:
    result = CliRunner().invoke(app, ["sweep", *arguments, option, value])
    assert isinstance(result.exception, RheobaseError)
    assert message in str(result.exception)


@pytest.mark.parametrize("name", sorted(RECIPES))
@pytest.mark.parametrize("coding", list(Coding))
def test_recipes_keep_what_they_do_not_set(name: str, coding: Coding) -> None:
    options = with_recipe(Options(coding=coding, steps=3, weight_bits=5), name)
    assert (options.coding, options.steps, options.weight_bits) == (coding, 3, 5)


@pytest.mark.parametrize("name", RECIPES)
def test_a_given_k_is_kept_by_every_recipe(name):
    assert with_recipe(Options(steps=8, iterations=7), name).iterations == 7


@pytest.mark.parametrize(
    ("coding", "steps", "iterations"),
    [(Coding.RATE, 8, 200), (Coding.RATE, 9, 500), (Coding.RADIX, 3, 500)],
)
def test_k_of_balancing_alone_follows_t(coding, steps, iterations):
    for name in ("ltb", "cltb"):
        assert with_recipe(Options(coding=coding, steps=steps), name).iterations == iterations
    assert with_recipe(Options(coding=coding, steps=steps), "paper").iterations == 1000
