"""``rheobase table1``: the paper's Table 1 of one model."""

from __future__ import annotations

from pathlib import Path

from ..options.files import OutputFolder
from ..options.images import ImageOptions, Images, TestImages
from ..options.models import ClassifierOptions, Model
from .sweep import StudyOptions, checked_steps, run_study

#: What each partner is called, and its recipes without and with the framework's balancing.
PARTNERS = {"none": ("robust", "cltb"), "LCP": ("robust-lcp", "lcp"), "ACP": ("robust-acp", "acp")}


def table1(
    model: Model,
    images: Images,
    reading: ImageOptions,
    source: ClassifierOptions,
    study: StudyOptions,
    output: OutputFolder = Path("table1"),
    test_images: TestImages = None,
) -> None:
    """The paper's Table 1: balancing with and without light calibration, over T.

    No partner, LCP (biases) and ACP (biases and weights), each with RobustNorm and with
    channel-wise local threshold balancing (CLTB). A sweep: it goes on where it was interrupted.
    """
    from ..console import OUT
    from ..tables import table

    recipes = [name for pair in PARTNERS.values() for name in pair]
    results = run_study(model, images, test_images, reading, source, study, output, recipes=recipes)
    found = {
        (row["recipe"], row["T"]): row["accuracy"]
        for result in results
        for row in result["rows"]
        if row["t0"] == 0
    }
    fitted = {row["recipe"]: row["weights_fitted"] for result in results for row in result["rows"]}
    steps = checked_steps(study.steps, study.coding)
    rows = []
    for partner, pair in PARTNERS.items():
        for recipe, name in zip(pair, ("RobustNorm", "CLTB"), strict=True):
            rows.append([partner, name, *(f"{found[recipe, step]:.2f}" for step in steps)])
    cnn = results[0]["rows"][0]["cnn_accuracy"]
    columns = ("partner", "thresholds", *(f"T = {step}" for step in steps))
    OUT.print(table(f"right answers (%) at t0 = 0, CNN {cnn:.2f}", columns, rows))
    layers = fitted[PARTNERS["ACP"][1]].replace("/", " of ")
    OUT.print(
        f"ACP fitted the weights of {layers} layers; where max pooling stands before the neurons, "
        "or a layer has no kernel of its own, it fits the biases alone",
        highlight=False,
    )
