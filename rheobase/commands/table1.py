"""``rheobase table1``: the paper's Table 1 of one model."""

from __future__ import annotations

from pathlib import Path

from ..options.files import OutputFolder
from ..options.images import ImageOptions, Images, TestImages
from ..options.models import ClassifierOptions, Model
from ..results.models import PaperTable, PartnerRow
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
) -> PaperTable:
    """The paper's Table 1: balancing with and without light calibration, over T.

    No partner, LCP (biases) and ACP (biases and weights), each with RobustNorm and with
    channel-wise local threshold balancing (CLTB). A sweep: it goes on where it was interrupted.
    """
    from ..console import note, show
    from ..tables import table

    recipes = [name for pair in PARTNERS.values() for name in pair]
    swept = run_study(model, images, test_images, reading, source, study, output, recipes=recipes)
    found = {(row.recipe, row.T): row.accuracy for row in swept.rows if row.t0 == 0}
    fitted = {row.recipe: row.weights_fitted for row in swept.rows}
    steps = checked_steps(study.steps, study.coding)
    rows = []
    for partner, pair in PARTNERS.items():
        for recipe, name in zip(pair, ("RobustNorm", "CLTB"), strict=True):
            rows.append(PartnerRow(partner, name, [found[recipe, step] for step in steps]))
    cnn = swept.rows[0].cnn_accuracy
    columns = ("partner", "thresholds", *(f"T = {step}" for step in steps))
    cells = [
        [row.partner, row.thresholds, *(f"{right:.2f}" for right in row.right_answers)]
        for row in rows
    ]
    show(table(f"right answers (%) at t0 = 0, CNN {cnn:.2f}", columns, cells))
    layers = (fitted[PARTNERS["ACP"][1]] or "none").replace("/", " of ")
    note(
        f"ACP fitted the weights of {layers} layers; where max pooling stands before the neurons, "
        "or a layer has no kernel of its own, it fits the biases alone"
    )
    return PaperTable(list(steps), cnn, rows, swept.csv, swept.plots)
