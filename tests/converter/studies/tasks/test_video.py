"""Video: frames of torchvision, and the command on clips written here."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from rheobase.cli import app
from rheobase.converter.data.model import load_model
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.converter.data.video import (
    ClipShape,
    clip_and_video_accuracy,
    clip_frames,
    load_clips,
    read_clips,
)
from rheobase.converter.snn.float_file import load_float_snn
from rheobase.golden.errors import RheobaseError
from tests.support.models.tasks import evaluate, rows_of


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
