"""Video files as clips: class folders as Kinetics has them, decoded by PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...golden.basics.extras import how_to_install
from ...golden.errors import RheobaseError
from .class_folders import folder_files
from .data import ImageSet

#: Suffixes of video files, in lower case.
VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".webm")


@dataclass(frozen=True)
class ClipShape:
    """How clips are cut out of a video; the defaults are those of torchvision's video networks.

    Attributes:
        frames: in a clip.
        rate: frames per second that a video is brought to before.
        clips: per video, evenly spread.
        resize: rows and columns that frames are brought to, bilinear.
        crop: rows and columns that are cut out of the middle.
    """

    frames: int = 16
    rate: float = 15.0
    clips: int = 5
    resize: tuple[int, int] = (128, 171)
    crop: int = 112

    @classmethod
    def of_crop(cls, crop: int, *, frames: int = 16, clips: int = 5) -> ClipShape:
        """Frames resized in the proportion of torchvision's, 128 x 171 for 112."""
        return cls(frames, clips=clips, crop=crop, resize=(crop * 128 // 112, crop * 171 // 112))

    def __post_init__(self) -> None:
        if min(self.frames, self.clips, *self.resize, self.crop) < 1 or not self.rate > 0:
            raise RheobaseError(f"clips: {self}, must be positive numbers")
        if self.crop > min(self.resize):
            raise RheobaseError(f"crop: {self.crop}, must be at most {min(self.resize)}")


def video_files(
    root: Path, sample: tuple[int, int] | None = None
) -> tuple[list[tuple[Path, int]], tuple[str, ...]]:
    """(file, label) of the videos ``root/CLASS/*``, and the classes in alphabetical order.

    Args:
        sample: (count, seed): so many videos, drawn without replacement.

    Raises:
        RheobaseError: no such folder, or no videos in it.
    """
    if not root.is_dir():
        raise RheobaseError(f"videos: {root}: no such folder")
    folders = folder_files(root, VIDEO_SUFFIXES)
    files = folders.files
    if not files:
        raise RheobaseError(
            f"videos: {root} holds none, must be one folder per class with "
            f"{', '.join(VIDEO_SUFFIXES)} files"
        )
    if sample is not None:
        count, seed = sample
        order = np.random.default_rng(seed).permutation(len(files))[:count]
        files = [files[index] for index in order]
    return files, folders.classes


def load_clips(root: Path, shape: ClipShape, *, sample: tuple[int, int] | None = None) -> ImageSet:
    """Clips of the videos ``root/CLASS/*``; those that are too short for one are left out.

    Returns:
        images uint8, (videos * clips, 3, frames, rows, columns), the clips of a video together.

    Raises:
        RheobaseError: no such folder, no videos, none that is long enough, or one is unreadable.
    """
    files, classes = video_files(root, sample)
    found, labels = [], []
    for path, label in files:
        clips = read_clips(path, shape)
        if clips is not None:
            found.append(clips)
            labels += [label] * shape.clips
    if not found:
        raise none_long_enough(root, shape)
    return ImageSet(np.concatenate(found), np.array(labels, dtype=np.int64), classes)


def none_long_enough(root: Path, shape: ClipShape) -> RheobaseError:
    """All videos are too short."""
    return RheobaseError(
        f"videos: {root}: none is as long as {shape.frames} frames at {shape.rate:g} per second"
    )


def read_clips(path: Path, shape: ClipShape) -> np.ndarray | None:
    """uint8 (clips, 3, frames, rows, columns); None where the video is too short.

    Raises:
        RheobaseError: the file cannot be decoded, or PyAV is absent.
    """
    av = _av()
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            rate = float(stream.average_rate or 0)
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    except (av.error.FFmpegError, IndexError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise RheobaseError(f"{path}: cannot be read as a video ({reason})") from None
    if not frames or not rate > 0:
        raise RheobaseError(f"{path}: cannot be read as a video (no frames)")
    picked = clip_frames(len(frames), rate, shape)
    if picked is None:
        return None
    clips = [sized(np.stack([frames[index] for index in clip]), shape) for clip in picked]
    return np.stack(clips)


def clip_frames(count: int, rate: float, shape: ClipShape) -> np.ndarray | None:
    """Frames (clips, frames) of a video of ``count`` frames at ``rate``; None if there are too few.

    The video is resampled to ``shape.rate`` by taking the frame before each time; clips start at
    evenly spread frames of that.
    """
    resampled = int(count * shape.rate / rate)
    if resampled < shape.frames:
        return None
    starts = np.linspace(0, resampled - shape.frames, shape.clips).astype(np.int64)
    times = starts[:, None] + np.arange(shape.frames)
    return np.minimum((times * (rate / shape.rate)).astype(np.int64), count - 1)


def sized(frames: np.ndarray, shape: ClipShape) -> np.ndarray:
    """uint8 (frames, rows, columns, 3) to (3, frames, crop, crop), without antialiasing."""
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float()
    pixels = functional.interpolate(pixels, shape.resize, mode="bilinear", align_corners=False)
    top, left = (round((extent - shape.crop) / 2) for extent in shape.resize)
    pixels = pixels[:, :, top : top + shape.crop, left : left + shape.crop]
    return pixels.round_().byte().permute(1, 0, 2, 3).contiguous().numpy()


def clip_and_video_accuracy(
    scores: Tensor, labels: Sequence[int] | np.ndarray, clips: int
) -> dict[str, float]:
    """Percentages of right answers, by clip and by video (mean of its clips' probabilities).

    Args:
        scores: (videos * clips, classes).
        labels: (videos * clips,).
    """
    truth = torch.as_tensor(np.asarray(labels), device=scores.device)
    by_clip = scores.argmax(1) == truth
    videos = scores.softmax(1).unflatten(0, (-1, clips)).mean(1)
    by_video = videos.argmax(1) == truth[::clips]
    return {
        "clip_top1": 100 * float(by_clip.float().mean()),
        "video_top1": 100 * float(by_video.float().mean()),
    }


def _av() -> ModuleType:
    try:
        import av
    except ImportError:
        raise RheobaseError(f"video: needs PyAV: {how_to_install('av')}") from None
    return av
