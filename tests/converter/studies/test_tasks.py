"""Segmentation, detection and video: metrics by hand, and the command on sets written here."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path

import av
import numpy as np
import pytest
import torch
import typer
from PIL import Image
from sklearn.metrics import jaccard_score
from typer.testing import CliRunner

from rheobase.cli import app
from rheobase.converter.data.coco import VOC_CATEGORIES, Coco
from rheobase.converter.data.data import load_images
from rheobase.converter.data.model import load_model
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.converter.data.video import (
    ClipShape,
    clip_and_video_accuracy,
    clip_frames,
    load_clips,
    read_clips,
)
from rheobase.converter.graph.analog import clipped_outputs
from rheobase.converter.options import Options
from rheobase.converter.snn.float_file import load_float_snn
from rheobase.converter.snn.sized import SizedSnn
from rheobase.converter.studies.detection import DetectorNetwork, convert_detector
from rheobase.converter.studies.segmentation import Confusion, sized_examples, voc_examples
from rheobase.converter.studies.task_evaluation import TASKS
from rheobase.golden.errors import RheobaseError

EXAMPLE = Path(__file__).parents[3] / "examples" / "torchvision_models.py"
MODELS = """
import torch
from torch import nn
from torch.nn import functional
from rheobase.converter.data.torchvision_shim import import_torchvision

class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, 2, 1)
        self.second = nn.Conv2d(8, 8, 3, padding=2, dilation=2)
        self.head, self.side = nn.Conv2d(8, 21, 1), nn.Conv2d(8, 21, 1)

    def forward(self, x):
        first = functional.relu(self.first(x))
        maps = {"out": self.head(functional.relu(self.second(first))), "aux": self.side(first)}
        size = x.shape[-2:]
        return {key: functional.interpolate(value, size, mode="bilinear")
                for key, value in maps.items()}

def segmenter():
    torch.manual_seed(0)
    model = Segmenter()
    with torch.no_grad():
        model.head.weight[3:].zero_()
        model.head.bias[3:].fill_(-9)
        model.head.bias[:3].zero_()
        model.head.weight[:3] -= model.head.weight[:3].mean(0)
    return model

def backbone():
    found = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, 2, 1), nn.ReLU())
    found.out_channels = 16
    return found

def detector():
    detection = import_torchvision("torchvision.models.detection")
    torch.manual_seed(0)
    sizes = detection.anchor_utils.AnchorGenerator(((16,),), ((1.0,),))
    model = detection.RetinaNet(
        backbone(), 6, anchor_generator=sizes, min_size=32, max_size=64, detections_per_img=10)
    model.transform.size_divisible = 8
    with torch.no_grad():
        for path, parameter in model.head.named_parameters():
            if path.endswith("weight") and parameter.ndim == 4:
                nn.init.kaiming_normal_(parameter)
            if "cls_logits.bias" in path:
                parameter.zero_()
    return model

def video():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(3, 4, 3, (1, 2, 2), 1), nn.ReLU(), nn.Conv3d(4, 6, 3, 2, 1), nn.ReLU(),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(6, 2))
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    path = tmp_path / "models.py"
    path.write_text(MODELS)
    return path


def evaluate(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    assert isinstance(result.exception, RheobaseError), result.exception
    return str(result.exception)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open() as file:
        return list(csv.DictReader(file))


def smooth(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Random colours with some structure, uint8 (rows, columns, 3)."""
    small = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((columns, rows), Image.Resampling.BILINEAR))


# Segmentation.


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


def write_voc(root: Path) -> None:
    folder = root / "VOCdevkit" / "VOC2012"
    rng = np.random.default_rng(0)
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (folder / name).mkdir(parents=True)
    sizes = {"train": [(24, 30), (40, 24)], "val": [(24, 32), (36, 24), (24, 32)]}
    for part, shapes in sizes.items():
        names = [f"{part}{index}" for index in range(len(shapes))]
        (folder / "ImageSets" / "Segmentation" / f"{part}.txt").write_text("\n".join(names))
        for name, shape in zip(names, shapes, strict=True):
            image = Image.fromarray(smooth(rng, *shape))
            image.save(folder / "JPEGImages" / f"{name}.jpg", quality=95)
            mask = Image.fromarray(rng.choice([0, 1, 2, 255], shape).astype(np.uint8), mode="P")
            mask.putpalette(list(range(256)) * 3)
            mask.save(folder / "SegmentationClass" / f"{name}.png")


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


# COCO.


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
    options = Options(steps=256, iterations=100)
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


# Video.


def write_video(path: Path, frames: np.ndarray, rate: int) -> None:
    """Without loss: FFV1 in RGB."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "bgr0"
        for frame in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


@pytest.mark.parametrize(("count", "rate"), [(40, 30.0), (75, 25.0), (33, 15.0), (50, 12.5)])
def test_frames_are_those_of_torchvision(count: int, rate: float) -> None:
    clips = import_torchvision("torchvision.datasets.video_utils").VideoClips
    shape = ClipShape(frames=8, clips=3)
    picked = clip_frames(count, rate, shape)
    length = int(count * shape.rate / rate)
    index = clips._resample_video_idx(length, rate, shape.rate)
    times = torch.arange(count)[index][:length] if isinstance(index, slice) else index
    starts = torch.linspace(0, len(times) - 8, 3).floor().long()
    expected = times.unfold(0, 8, 1)[starts].clamp(max=count - 1)
    assert np.array_equal(picked, expected.numpy())
    assert clip_frames(7, 15.0, shape) is None


def test_clips_are_the_pixels_of_the_video(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (24, 20, 26, 3), dtype=np.uint8)
    write_video(tmp_path / "a.mkv", frames, 30)
    shape = ClipShape(frames=4, clips=2, resize=(16, 21), crop=14)
    found = read_clips(tmp_path / "a.mkv", shape)
    presets = import_torchvision("torchvision.transforms._presets")
    preset = presets.VideoClassification(
        crop_size=(14, 14), resize_size=(16, 21), mean=(0, 0, 0), std=(1, 1, 1)
    )
    for clip, index in zip(found, ([0, 2, 4, 6], [16, 18, 20, 22]), strict=True):
        expected = preset(torch.from_numpy(frames[index]).permute(0, 3, 1, 2))
        assert np.array_equal(clip, expected.mul(255).round().byte().numpy())


def test_right_answers_by_clip_and_by_video() -> None:
    scores = torch.tensor([[9.0, 0], [0, 1], [0, 1], [0, 1], [1, 0], [1, 0]])
    # Clips 1, 0, 0 of a video of class 0: one sure answer outweighs two doubtful ones.
    found = clip_and_video_accuracy(scores, [0, 0, 0, 1, 1, 1], 3)
    assert found["clip_top1"] == pytest.approx(100 * 2 / 6)
    probabilities = scores.softmax(1).reshape(2, 3, 2).mean(1).argmax(1).tolist()
    assert probabilities == [0, 0] and found["video_top1"] == pytest.approx(50)


def write_kinetics(root: Path) -> None:
    rng = np.random.default_rng(1)
    for part, count in (("train", 2), ("val", 3)):
        for label, level in (("bright", 170), ("dark", 30)):
            (root / part / label).mkdir(parents=True)
            for index in range(count):
                frames = rng.integers(level - 30, level + 30, (20, 20, 26, 3)).astype(np.uint8)
                write_video(root / part / label / f"{index}.mkv", frames, 15)
    write_video(root / "val" / "dark" / "short.mkv", np.zeros((3, 20, 26, 3), np.uint8), 15)


def test_kinetics(tmp_path: Path, models: Path) -> None:
    write_kinetics(tmp_path)
    output = tmp_path / "out"
    arguments = [
        "kinetics",
        f"{models}:video",
        "--data",
        tmp_path,
        "-o",
        output,
        "--recipe",
        "cltb",
        "-T",
        "4,64",
        "--crop",
        14,
        "--calibration",
        4,
        "--batch",
        4,
    ]
    text = evaluate(*arguments)
    assert "1 videos were too short" in text and "clip_top1" in text
    rows = rows_of(output)
    model = load_model(f"{models}:video")
    clips = load_clips(tmp_path / "val", ClipShape.of_crop(14))
    mean, std = ((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))
    shown = torch.from_numpy(clips.images).float() / 255
    shown = (shown - torch.tensor(mean).reshape(3, 1, 1, 1)) / torch.tensor(std).reshape(3, 1, 1, 1)
    snn = load_float_snn(output / "cltb.safetensors", model)
    run = snn.run(shown, keep=[4])
    scores = {"cnn_": model(shown), "4": run.outputs(4)["out"], "64": run.outputs(64)["out"]}
    truth = torch.from_numpy(clips.labels)
    assert clips.images.shape == (30, 3, 16, 14, 14) and truth.tolist() == [0] * 15 + [1] * 15
    for row in rows:
        for prefix, found in (("cnn_", scores["cnn_"]), ("", scores[row["T"]])):
            right = 100 * float((found.argmax(1) == truth).float().mean())
            assert float(row[f"{prefix}clip_top1"]) == pytest.approx(right, abs=1e-3)
            videos = torch.stack([part.softmax(1).sum(0) for part in found.split(5)]).argmax(1)
            right = 100 * float((videos == truth[::5]).float().mean())
            assert float(row[f"{prefix}video_top1"]) == pytest.approx(right, abs=1e-3)


def test_videos_are_checked(tmp_path: Path) -> None:
    with pytest.raises(RheobaseError, match="no such folder"):
        load_clips(tmp_path / "absent", ClipShape())
    (tmp_path / "a").mkdir()
    with pytest.raises(RheobaseError, match="holds none, must be one folder per class"):
        load_clips(tmp_path, ClipShape())
    write_video(tmp_path / "a" / "1.mkv", np.zeros((3, 20, 26, 3), np.uint8), 15)
    with pytest.raises(RheobaseError, match="none is as long as 16 frames at 15 per second"):
        load_clips(tmp_path, ClipShape())
    (tmp_path / "a" / "2.mkv").write_bytes(b"no video" * 20)
    with pytest.raises(RheobaseError, match=r"2\.mkv: cannot be read as a video"):
        load_clips(tmp_path, ClipShape())
    with pytest.raises(RheobaseError, match="crop: 200, must be at most 128"):
        ClipShape(crop=200)


def test_convert_takes_clips(tmp_path: Path, models: Path) -> None:
    write_kinetics(tmp_path)
    result = CliRunner().invoke(
        app,
        [
            "convert",
            f"{models}:video",
            "--float",
            "--clip",
            "8",
            "--crop",
            "14",
            "--images",
            str(tmp_path / "train"),
            "--test-images",
            str(tmp_path / "val"),
            "--mean",
            "0.4",
            "--std",
            "0.2",
            "-T",
            "8",
            "-o",
            str(tmp_path / "snn.safetensors"),
        ],
        catch_exceptions=False,
    )
    assert result.exit_code == 0 and "right answers on 6 images" in result.output


# The command line.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["kinetics", "--data", "absent"], "--data: absent: no such folder"),
        (["chess", "--data", "."], "task: 'chess', must be one of voc-segmentation"),
        (["kinetics", "--data", ".", "-T", "0"], "must be an integer in 1..1024"),
        (["kinetics", "--data", ".", "-T", "4", "--t0", "4"], "t0: [4], must be integers"),
        (["kinetics", "--data", ".", "--recipe", "magic"], "recipe: 'magic'"),
        (["kinetics", "--data", ".", "--weights", "absent.pth"], "absent.pth: no such file"),
        (["kinetics", "--data", "."], "train: no such folder"),
        (["voc-segmentation", "--data", "."], "train.txt: absent"),
        (["coco-detection", "--data", "."], "instances_train2017.json: absent"),
        (["coco-detection", "--data", ".", "--resize", "9"], "--resize: accepted with coco-detect"),
        (["kinetics", "--data", ".", "--resize", "9"], "accepted with kinetics is --crop"),
        (["voc-segmentation", "--data", ".", "--crop", "9"], "segmentation is --resize"),
    ],
)
def test_bad_input(
    tmp_path: Path, models: Path, options: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    task, *others = options
    assert message in refused(task, f"{models}:video", *others)


def test_a_model_without_the_classes(tmp_path: Path, models: Path) -> None:
    write_voc(tmp_path)
    models.write_text(
        "from torch import nn\n"
        "def net():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1))\n"
    )
    text = refused(
        "voc-segmentation",
        f"{models}:net",
        "--data",
        tmp_path,
        "--resize",
        16,
        "-o",
        tmp_path / "out",
        "-T",
        "2",
    )
    assert "must be 21 classes" in text


def test_other_sizes_are_the_same_network(tmp_path: Path, models: Path) -> None:
    """A network is resized, calibration included, where its operations are the same."""
    write_voc(tmp_path)
    evaluate(
        "voc-segmentation",
        f"{models}:segmenter",
        "--data",
        tmp_path,
        "-o",
        tmp_path / "out",
        "--recipe",
        "acp",
        "-T",
        "4",
        "--resize",
        16,
        "--calibration",
        2,
    )
    model = load_model(f"{models}:segmenter")
    snn = load_float_snn(tmp_path / "out" / "acp.safetensors", model)
    sized = SizedSnn(model, snn)
    image = torch.randn(1, 3, 16, 16)
    same, direct = sized.at((3, 16, 16)).run(image), snn.run(image)
    torch.testing.assert_close(same.outputs()["out"], direct.outputs()["out"], rtol=0, atol=0)
    wide = torch.cat([image] * 2, dim=3)
    found = sized.at((3, 16, 32)).run(wide).outputs()["out"]
    assert found.shape == (1, 21, 16, 32)
    # Away from the seam and its receptive field the left half sees what the image alone shows.
    narrow = direct.outputs()["out"]
    torch.testing.assert_close(found[..., :6], narrow[..., :6], rtol=1e-4, atol=1e-4)


def test_weights_come_from_torchvisions_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example script, where the file is in the cache already: nothing is fetched."""
    import runpy

    path = EXAMPLE
    models = import_torchvision("torchvision.models")
    torch.manual_seed(3)
    given = models.squeezenet1_1(weights=None).state_dict()
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.save(given, cache / Path(models.SqueezeNet1_1_Weights.DEFAULT.url).name)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    output = tmp_path / "squeezenet.safetensors"
    monkeypatch.setattr("sys.argv", [str(path), "squeezenet1_1", "--output", str(output)])
    runpy.run_path(str(path), run_name="__main__")
    assert "resize_size=[256]" in capsys.readouterr().out
    found = load_model("torchvision.models:squeezenet1_1", output).state_dict()
    assert all(torch.equal(found[name], given[name]) for name in given)
    monkeypatch.setattr("sys.argv", [str(path), "no_such_model", "--output", str(output)])
    with pytest.raises(SystemExit):
        runpy.run_path(str(path), run_name="__main__")
    assert "no_such_model DEFAULT: " in capsys.readouterr().err


def test_documented_commands_are_understood() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reproducing.md").read_text()
    commands = re.findall(r"^    rheobase ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert len(commands) >= 8
    known = typer.main.get_command(app).commands
    for command in commands:
        name, *arguments = shlex.split(command.replace("\\\n", " "))
        with known[name].make_context(name, arguments) as context:
            assert all(
                value is None or "..." not in str(value) for value in context.params.values()
            )
            if name == "evaluate":
                assert context.params["task"] in TASKS
            factory = context.params.get("model", "")
            if factory.startswith("examples/"):
                assert f"\n{factory.partition(':')[2]} = partial(" in EXAMPLE.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fcn_resnet50", "deeplabv3_resnet50", "retinanet_resnet50_fpn"])
def test_factories_fetch_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*arguments: object, **keywords: object) -> None:
        raise AssertionError("a download")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", fetch)
    monkeypatch.setattr("torch.hub.download_url_to_file", fetch)
    keys = load_model(f"{EXAMPLE}:{name}").state_dict().keys()
    models = import_torchvision("torchvision.models")
    whole = models.get_model(
        name,
        weights=None,
        weights_backbone=None,
        **({} if "retina" in name else {"aux_loss": True}),
    )
    assert keys == whole.state_dict().keys()


def test_imagenet_is_class_folders(tmp_path: Path) -> None:
    """What the documented command reads: val/WORDNET-ID/*.JPEG, in the order of torchvision."""
    rng = np.random.default_rng(0)
    for name in ("n02", "n01", "n03"):
        (tmp_path / name).mkdir()
        Image.fromarray(smooth(rng, 30, 40)).save(tmp_path / name / "x.JPEG")
    datasets = import_torchvision()
    expected = datasets.ImageFolder(str(tmp_path))
    from rheobase.converter.data.image_files import Sizing

    found = load_images(str(tmp_path), sizing=Sizing(28, 24))
    assert list(found.classes) == expected.classes
    assert found.labels.tolist() == [label for _, label in expected.samples]
    assert found.images.shape == (3, 3, 24, 24)
