"""Segmentation: the metric of a library, and the command on a set written here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import jaccard_score

from rheobase.converter.data.model import load_model
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.converter.snn.float_file import load_float_snn
from rheobase.converter.snn.sized import SizedSnn
from rheobase.converter.studies.segmentation import Confusion, sized_examples, voc_examples
from rheobase.golden.errors import RheobaseError
from tests.support.models.tasks import evaluate, refused, rows_of, write_voc


@pytest.mark.parametrize("seed", range(4))
def test_mean_intersection_over_union_is_that_of_a_library(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, answers = rng.integers(0, 6, (2, 500))
    truth[rng.random(500) < 0.1] = 255
    answers[answers == 4] = 1
    truth[truth == 4] = 2  # a class that occurs nowhere
    table = Confusion(6)
    for part in (slice(0, 200), slice(200, 500)):
        table.add(truth[part], answers[part])
    counted = truth != 255
    expected = jaccard_score(truth[counted], answers[counted], average="macro")
    assert table.percentages()["miou"] == pytest.approx(100 * expected)
    right = np.mean(truth[counted] == answers[counted])
    assert table.percentages()["pixel_accuracy"] == pytest.approx(100 * right)


def test_no_labelled_pixels() -> None:
    table = Confusion(3)
    table.add(np.full(4, 255), np.zeros(4, int))
    with pytest.raises(RheobaseError, match="no labelled pixels"):
        table.percentages()


def test_voc(tmp_path: Path, models: Path) -> None:
    write_voc(tmp_path)
    output = tmp_path / "out"
    arguments = [
        "voc-segmentation",
        f"{models}:segmenter",
        "--data",
        tmp_path,
        "-o",
        output,
        "--recipe",
        "cltb,lcp",
        "-T",
        "3,9",
        "--t0",
        "0,4",
        "--resize",
        16,
        "--calibration",
        2,
    ]
    text = evaluate(*arguments)
    assert "miou" in text and "T = 9, t0 = 4" in text
    rows = rows_of(output)
    pairs = [("3", "0"), ("9", "0"), ("9", "4")]
    assert [(row["T"], row["t0"]) for row in rows] == pairs * 2

    # The same from the file of thresholds, with torchvision's preprocessing, pixel by pixel.
    transforms = import_torchvision("torchvision.transforms._presets")
    preset = transforms.SemanticSegmentation(resize_size=16)
    folder = tmp_path / "VOCdevkit" / "VOC2012"
    model = load_model(f"{models}:segmenter")
    truths: list[np.ndarray] = []
    answers: dict[str, list[np.ndarray]] = {}
    for index in range(3):
        shown = preset(Image.open(folder / "JPEGImages" / f"val{index}.jpg"))[None]
        mask = Image.open(folder / "SegmentationClass" / f"val{index}.png")
        small = mask.resize(shown.shape[:1:-1], Image.Resampling.NEAREST)
        truths.append(np.asarray(small).ravel())
        network = SizedSnn(model, load_float_snn(output / "cltb.safetensors", model))
        run = network.at(tuple(shown.shape[1:])).run(shown, keep=[3, 4, 9])
        found = {str(pair): run.outputs(*pair)["out"] for pair in ((3, 0), (9, 0), (9, 4))}
        found["cnn"] = model(shown)["out"]
        for name, scores in found.items():
            answers.setdefault(name, []).append(scores[0].argmax(0).numpy().ravel())
    truth = np.concatenate(truths)
    for row in rows[:3]:
        for name, key in ((f"({row['T']}, {row['t0']})", "miou"), ("cnn", "cnn_miou")):
            answered = np.concatenate(answers[name])[truth != 255]
            expected = 100 * jaccard_score(truth[truth != 255], answered, average="macro")
            assert float(row[key]) == pytest.approx(expected, abs=1e-3)
    assert len({row["miou"] for row in rows[:3]}) > 1

    # Started again it has nothing to do, and says the same.
    (folder / "JPEGImages" / "val0.jpg").unlink()
    assert evaluate(*arguments).strip() == text.strip()
    assert "val0.jpg: cannot be read" in refused(*arguments, "--recipe", "robust")


def test_voc_is_checked(tmp_path: Path) -> None:
    with pytest.raises(RheobaseError, match=r"val\.txt: absent, must be the folder above"):
        voc_examples(tmp_path, "val")
    write_voc(tmp_path)
    assert len(voc_examples(tmp_path, "val", (2, 0))) == 2
    wrong = tmp_path / "VOCdevkit" / "VOC2012" / "SegmentationClass" / "val0.png"
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(wrong)
    with pytest.raises(RheobaseError, match="must be one size"):
        next(sized_examples(voc_examples(tmp_path, "val"), 16))
