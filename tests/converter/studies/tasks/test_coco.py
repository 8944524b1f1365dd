"""COCO: metrics by hand, and the command on sets written here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import jaccard_score

from rheobase.converter.data.coco import VOC_CATEGORIES, Coco
from rheobase.converter.data.model import load_model
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.converter.graph.analog import clipped_outputs
from rheobase.converter.options import Options
from rheobase.converter.snn.float_file import load_float_snn
from rheobase.converter.studies.detection import DetectorNetwork, convert_detector
from rheobase.golden.errors import RheobaseError
from tests.support.models.tasks import evaluate, rows_of, smooth


def write_coco(root: Path, part: str, boxes: dict[int, list[tuple[int, list[int]]]]) -> None:
    """Images of 40 x 48; (category, (x, y, width, height)) by image id."""
    (root / part).mkdir(parents=True)
    (root / "annotations").mkdir(exist_ok=True)
    rng = np.random.default_rng(len(part))
    annotations = []
    for image, entries in boxes.items():
        Image.fromarray(smooth(rng, 40, 48)).save(root / part / f"{image}.jpg", quality=95)
        for category, (x, y, width, height) in entries:
            corners = [x, y, x + width, y, x + width, y + height, x, y + height]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": category,
                    "bbox": [x, y, width, height],
                    "area": width * height,
                    "iscrowd": 0,
                    "segmentation": [corners],
                }
            )
    images = [
        {"id": image, "file_name": f"{image}.jpg", "height": 40, "width": 48} for image in boxes
    ]
    categories = [{"id": number, "name": str(number)} for number in range(1, 91)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "annotations" / f"instances_{part}.json").write_text(json.dumps(content))


def test_average_precision_by_hand(tmp_path: Path) -> None:
    write_coco(tmp_path, "val2017", {7: [(1, [0, 0, 20, 10]), (1, [20, 20, 20, 10])]})
    coco = Coco(tmp_path, "val2017")
    first, second = (0.0, 0.0, 20.0, 10.0), (20.0, 20.0, 40.0, 30.0)
    both = [(7, 1, first, 0.9), (7, 1, second, 0.8)]
    assert coco.average_precision(both) == {"map": pytest.approx(100), "map50": pytest.approx(100)}
    # One of two: precision 1 at recalls 0, 0.01, ..., 0.5, and 0 above.
    assert coco.average_precision(both[:1])["map"] == pytest.approx(100 * 51 / 101)
    # An intersection of 130 over 200: it counts at 0.5, 0.55, 0.6 and 0.65.
    narrow = [both[0], (7, 1, (20.0, 20.0, 33.0, 30.0), 0.8)]
    expected = 100 * (4 + 6 * 51 / 101) / 10
    assert coco.average_precision(narrow)["map"] == pytest.approx(expected)
    assert coco.average_precision(narrow)["map50"] == pytest.approx(100)
    # A better score that is wrong comes first: precision 1/2, then 2/3.
    wrong = [*both, (7, 1, (0.0, 30.0, 5.0, 35.0), 0.95)]
    assert coco.average_precision(wrong)["map"] == pytest.approx(100 * 2 / 3)
    assert coco.average_precision([(7, 2, first, 0.9)])["map"] == 0
    assert coco.average_precision([])["map"] == 0


def test_masks_by_hand(tmp_path: Path) -> None:
    person, horse, frisbee = VOC_CATEGORIES[14], VOC_CATEGORIES[12], 34
    write_coco(
        tmp_path,
        "val2017",
        {3: [(person, [4, 4, 10, 10]), (horse, [10, 8, 20, 10]), (frisbee, [0, 30, 5, 5])]},
    )
    expected = np.zeros((40, 48), int)
    expected[4:14, 4:14] = 15
    expected[8:18, 10:30] = 13
    expected[8:14, 10:14] = 255
    assert np.array_equal(Coco(tmp_path, "val2017").voc_mask(3), expected)


def write_both_parts(root: Path) -> None:
    write_coco(root, "train2017", {n: [(1, [0, 0, 9, 9])] for n in (1, 2, 3)})
    write_coco(
        root, "val2017", {n: [(5, [2 * n, n, 14, 16]), (2, [20, 8, 16, 15])] for n in (4, 5, 9)}
    )


def test_coco_segmentation(tmp_path: Path, models: Path) -> None:
    write_both_parts(tmp_path)
    output = tmp_path / "out"
    evaluate(
        "coco-segmentation",
        f"{models}:segmenter",
        "--data",
        tmp_path,
        "-o",
        output,
        "--recipe",
        "cltb",
        "-T",
        "256",
        "--resize",
        40,
        "--calibration",
        2,
    )
    model = load_model(f"{models}:segmenter")
    preset = import_torchvision("torchvision.transforms._presets").SemanticSegmentation(
        resize_size=40
    )
    coco = Coco(tmp_path, "val2017")
    truth = np.concatenate([coco.voc_mask(n).ravel() for n in coco.ids])
    shown = [preset(Image.open(tmp_path / "val2017" / f"{n}.jpg"))[None] for n in coco.ids]
    answers = np.concatenate([model(x)["out"][0].argmax(0).numpy().ravel() for x in shown])
    counted = truth != 255
    expected = 100 * jaccard_score(truth[counted], answers[counted], average="macro")
    (row,) = rows_of(output)
    assert float(row["cnn_miou"]) == pytest.approx(expected, abs=1e-3)
    assert float(row["pixel_accuracy"]) == pytest.approx(float(row["cnn_pixel_accuracy"]), abs=5)


def test_coco_detection(tmp_path: Path, models: Path) -> None:
    write_both_parts(tmp_path)
    output = tmp_path / "out"
    model = load_model(f"{models}:detector")
    # What the detector answers becomes the truth, so there is something to find.
    path = tmp_path / "annotations" / "instances_val2017.json"
    content = json.loads(path.read_text())
    content["annotations"] = []
    for image in (4, 5, 9):
        pixels = np.array(Image.open(tmp_path / "val2017" / f"{image}.jpg")).transpose(2, 0, 1)
        with torch.no_grad():
            (found,) = model([torch.from_numpy(pixels).float() / 255])
        assert len(found["boxes"]) >= 4
        kept = list(zip(found["boxes"].tolist(), found["labels"].tolist(), strict=True))[:4]
        for (x1, y1, x2, y2), label in kept:
            content["annotations"].append(
                {
                    "id": len(content["annotations"]) + 1,
                    "image_id": image,
                    "category_id": label,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                    "segmentation": [],
                }
            )
    path.write_text(json.dumps(content))
    text = evaluate(
        "coco-detection",
        f"{models}:detector",
        "--data",
        tmp_path,
        "-o",
        output,
        "--recipe",
        "cltb",
        "-T",
        "1,256",
        "--calibration",
        2,
        "--batch",
        1,
    )
    few, many = rows_of(output)
    assert "map (%)" in text and float(many["cnn_map50"]) > 90
    assert float(many["map50"]) > 0.8 * float(many["cnn_map50"]) > float(few["map50"])
    thresholds = load_float_snn(output / "cltb.safetensors", DetectorNetwork(model)).thresholds
    assert all(bool((value > 0).all()) for value in thresholds.values())


def test_detectors_take_images_of_every_size(models: Path) -> None:
    model = load_model(f"{models}:detector")
    generator = torch.Generator().manual_seed(1)
    pictures = [torch.rand(3, *size, generator=generator) for size in ((40, 48), (36, 60))]
    options = Options(steps=256, iterations=100, method="cltb")
    found = convert_detector(model, pictures, options=options, batch=1)
    assert found.conversion.graph.input_shape == (3, 32, 56)  # both fit, in eights
    thresholds = found.conversion.thresholds
    for size in ((64, 32), (32, 32)):
        batch = model.transform([torch.rand(3, *size, generator=generator)])[0].tensors
        graph = found.network.graph(tuple(batch.shape[1:]))
        expected = clipped_outputs(graph, batch, thresholds)
        outputs = found.network.at(tuple(batch.shape[1:])).run(batch).outputs()
        assert outputs["cls_logits"].shape == expected["cls_logits"].shape
        for name, value in outputs.items():
            error = (value - expected[name]).norm() / expected[name].norm()
            assert float(error) < 0.05
    (result,) = found([torch.rand(3, 50, 50, generator=generator)])
    assert set(result) == {"boxes", "scores", "labels"}


def test_coco_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RheobaseError, match=r"instances_val2017\.json: absent"):
        Coco(tmp_path, "val2017")
    write_coco(tmp_path, "val2017", {1: []})
    path = tmp_path / "annotations" / "instances_val2017.json"
    path.write_text("{]")
    with pytest.raises(RheobaseError, match="cannot be read as annotations"):
        Coco(tmp_path, "val2017")
    monkeypatch.setitem(__import__("sys").modules, "pycocotools.coco", None)
    with pytest.raises(RheobaseError, match=r"needs pycocotools: pip install 'rheobase\[tasks\]'"):
        Coco(tmp_path, "val2017")
