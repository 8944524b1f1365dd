"""SpikingJelly's local threshold balancing and this project's, side by side, one line of JSON each.

    pip install 'rheobase[peers]'
    python -m benchmarks.spikingjelly [--shared ../shared] [--steps 8,16,32,64,128]

Both convert the same networks on the same images to float SNNs: the demo's CNN, trained on
scikit-learn's scanned digits, and where SHARED has them ResNet-20 on CIFAR-10 and torchvision's
SqueezeNet 1.1 on pictures of ImageNet. SpikingJelly makes K
steps of balancing (``LocalThresholdBalancingRecipe``) on batches of 100 images that are drawn at
random, and reads late by ``estimate_delay_start``; the recipe ``paper`` sees the very same batches.
Right answers are per cent of the test images. Times are CPU seconds of one thread, of a conversion
and of running all test images for the largest T. No recipe sees a label.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from examples import resnet20
from rheobase.converter.conversion import Conversion, convert_graph
from rheobase.converter.data.batches import Batches
from rheobase.converter.data.data import ImageSet, load_images
from rheobase.converter.data.model import load_model
from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.converter.options import Options
from rheobase.converter.recipes import with_recipe
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.thresholds.delay import choose_delay
from rheobase.converter.thresholds.published import random_batches
from rheobase.converter.tracing.trace import trace
from rheobase.demo_model import cnn, train
from rheobase.golden.errors import RheobaseError

from .figures import IMAGES, WEIGHTS, show, skipped

#: Weights and pictures of SqueezeNet in the folder that ``--shared`` names.
SQUEEZENET, PICTURES = Path("models/squeezenet1_1.safetensors"), Path("data/imagenet")

#: What is measured: SpikingJelly's recipe, and this project's, whose thresholds are for every T
#: or made for one (K of ``cltb`` follows T, ``best`` is fitted to it).
THEIRS, BALANCED, FITTED = "spikingjelly", ("paper",), ("cltb", "best")
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "resnet20.py"


class SpelledOut(nn.Module):
    """ResNet-20 of modules alone, as SpikingJelly takes it: shortcuts are kernels of 0 and 1."""

    def __init__(self, model: resnet20.ResNet) -> None:
        super().__init__()
        self.stem = nn.Sequential(model.conv1, model.bn1, nn.ReLU())
        blocks = [block for stage in (model.layer1, model.layer2, model.layer3) for block in stage]
        self.blocks = nn.Sequential(*(SpelledOutBlock(block) for block in blocks))
        self.tail = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), model.linear)

    def forward(self, x: Tensor) -> Tensor:
        return self.tail(self.blocks(self.stem(x)))


class SpelledOutBlock(nn.Module):
    """A block of it."""

    def __init__(self, block: resnet20.BasicBlock) -> None:
        super().__init__()
        self.first = nn.Sequential(block.conv1, block.bn1, nn.ReLU())
        self.second = nn.Sequential(block.conv2, block.bn2)
        channels, added = block.conv1.in_channels, block.added_channels
        self.shortcut: nn.Module = nn.Identity()
        if added:
            self.shortcut = nn.Conv2d(channels, channels + added, 1, block.stride, bias=False)
            kernel = torch.zeros(channels + added, channels)
            kernel[added // 2 : added // 2 + channels] = torch.eye(channels)
            self.shortcut.weight = nn.Parameter(kernel[:, :, None, None])
        self.last = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.second(self.first(x)) + self.shortcut(x))


@dataclass(frozen=True, eq=False)
class Subject:
    """A network and its images.

    Attributes:
        theirs: the same network as SpikingJelly takes it.
        mean, std: of the normalisation.
    """

    name: str
    model: nn.Module
    theirs: nn.Module
    training: ImageSet
    testing: ImageSet
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def tested(self) -> tuple[Batches, list[Tensor]]:
        """Normalised test images, and their labels."""
        batches = Batches(self.testing.images, self.mean, self.std)
        return batches, batches.cut(torch.from_numpy(self.testing.labels))

    def calibration(self) -> Batches:
        return Batches(self.training.images, self.mean, self.std)


def digits(images: int, calibration: int) -> Subject:
    """The demo's network, trained here."""
    training, testing = load_images("digits", train=True), load_images("digits")
    torch.manual_seed(0)
    model = cnn()
    pixels = torch.from_numpy(training.images).float() / 255
    labels = torch.from_numpy(training.labels)
    train(model, pixels, labels, epochs=10, seed=0, progress=lambda _: None)
    training, testing = training.sample(calibration, seed=0), testing.sample(images, seed=0)
    return Subject("digits", model, model, training, testing, (0.0,), (1.0,))


def cifar10(shared: Path, images: int, calibration: int) -> Subject:
    """ResNet-20 with the weights of SHARED."""
    model = load_model(f"{EXAMPLE}:resnet20", shared / WEIGHTS)
    assert isinstance(model, nn.Module)
    training = load_images(str(shared / IMAGES / "train")).sample(calibration, seed=2)
    testing = load_images(str(shared / IMAGES / "test")).sample(images, seed=1)
    theirs = SpelledOut(model).eval()  # pyright: ignore[reportArgumentType]
    return Subject("resnet20", model, theirs, training, testing, resnet20.MEAN, resnet20.STD)


def imagenet(shared: Path, images: int, calibration: int) -> Subject:
    """SqueezeNet 1.1: even rows of the sorted pictures to calibrate on, odd ones to test on."""
    factory = import_torchvision("torchvision.models").squeezenet1_1
    model = factory(weights=None).eval()
    model.load_state_dict(load_file(shared / SQUEEZENET))
    # In this order both take two thirds of the time.
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    files = sorted((shared / PICTURES).glob("*.jpg"))
    pixels = np.stack([np.asarray(Image.open(file)).transpose(2, 0, 1) for file in files])
    labels = np.array([int(file.name.split("_")[0]) for file in files])
    sets = [ImageSet(pixels[start::2], labels[start::2], ()) for start in (0, 1)]
    training, testing = sets[0].sample(calibration, seed=0), sets[1].sample(images, seed=0)
    mean = (123.68 / 255, 116.779 / 255, 103.939 / 255)
    return Subject("squeezenet", model, model, training, testing, mean, (1 / 255,) * 3)


class Drawn:
    """The batches that ``paper`` draws, as a loader for SpikingJelly."""

    def __init__(self, batches: Sequence[Tensor], count: int) -> None:
        self._batches, self._count = batches, count

    def __iter__(self) -> Iterator[Tensor]:
        return random_batches(self._batches, self._count)

    def __len__(self) -> int:
        return self._count


def timed(task: Callable[[], object]) -> tuple[object, float]:
    """What ``task`` gives, and its CPU seconds."""
    start = time.process_time()
    found = task()
    return found, time.process_time() - start


@torch.inference_mode()
def their_figures(subject: Subject, steps: Sequence[int], iterations: int) -> None:
    """SpikingJelly: one conversion, one run that is read at every T."""
    from spikingjelly.activation_based import ann2snn, functional

    def converted() -> nn.Module:
        recipe = ann2snn.LocalThresholdBalancingRecipe(Drawn(subject.calibration(), iterations))
        return ann2snn.FXConverter(recipe=recipe, device="cpu").convert(subject.theirs)

    snn, seconds = timed(converted)
    assert isinstance(snn, nn.Module)
    loader = [subject.calibration()[0]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that T is too short for its delay
        delays = {t: ann2snn.estimate_delay_start(snn, loader, "cpu", t) for t in steps}
    right = dict.fromkeys(steps, 0)
    batches, labels = subject.tested()

    def run() -> None:
        for batch, truth in zip(batches, labels, strict=True):
            functional.reset_net(snn)
            sums = {t: torch.zeros(()) for t in steps}
            for step in range(max(steps)):
                out = snn(batch)
                for t in steps:
                    if delays[t] <= step < t:
                        sums[t] = sums[t] + out
            for t in steps:
                right[t] += int((sums[t].argmax(1) == truth).sum())

    _, run_seconds = timed(run)
    for t in steps:
        accuracy = 100 * right[t] / len(subject.testing.images)
        show(f"{subject.name}_spikingjelly_rate{t}", accuracy, "per cent", None)
    show(f"{subject.name}_spikingjelly_conversion", seconds, "CPU seconds", None)
    show(f"{subject.name}_spikingjelly_run", run_seconds, "CPU seconds", None)


def our_conversion(subject: Subject, recipe: str, steps: int, iterations: int) -> Conversion:
    """A float SNN; ``iterations`` are K of ``paper``, other recipes have their own."""
    options = with_recipe(Options(steps=steps, lower=False), recipe)
    if recipe == "paper":
        options = replace(options, iterations=iterations)
    shape = tuple(int(extent) for extent in subject.training.images.shape[1:])
    graph = prepared(trace(subject.model, shape))
    return convert_graph(
        graph, subject.calibration(), mean=subject.mean, std=subject.std, options=options
    )


def our_figures(subject: Subject, recipe: str, steps: Sequence[int], iterations: int) -> None:
    """Conversion for the largest of ``steps``, and one run that is read at each of them."""
    made, seconds = timed(lambda: our_conversion(subject, recipe, max(steps), iterations))
    assert isinstance(made, Conversion)
    delays = dict.fromkeys(steps, made.snn.delay)
    if recipe in BALANCED:
        delays = {t: choose_delay(made.expected_first_spike, t) for t in steps}
    batches, labels = subject.tested()
    right = dict.fromkeys(steps, 0)

    def run() -> None:
        for batch, truth in zip(batches, labels, strict=True):
            found = made.snn.run(batch, sorted({*delays, *delays.values()}))
            for t, delay in delays.items():
                right[t] += int((found.outputs(t, delay)["out"].argmax(1) == truth).sum())

    _, run_seconds = timed(run)
    for t in steps:
        accuracy = 100 * right[t] / len(subject.testing.images)
        show(f"{subject.name}_{recipe}_rate{t}", accuracy, "per cent", None)
    suffix = "" if recipe in BALANCED else f"_rate{max(steps)}"
    show(f"{subject.name}_{recipe}_conversion{suffix}", seconds, "CPU seconds", None)
    show(f"{subject.name}_{recipe}_run{suffix}", run_seconds, "CPU seconds", None)


@torch.inference_mode()
def measure(
    subject: Subject, steps: Sequence[int], iterations: int, recipes: Sequence[str]
) -> None:
    batches, labels = subject.tested()
    right = 0
    for batch, truth in zip(batches, labels, strict=True):
        scores = subject.model(batch)
        if not torch.allclose(scores, subject.theirs(batch), atol=1e-3):
            raise RheobaseError(f"{subject.name}: SpikingJelly's spelling is another network")
        right += int((scores.argmax(1) == truth).sum())
    show(f"{subject.name}_cnn", 100 * right / len(subject.testing.images), "per cent", None)
    for recipe in recipes:
        if recipe == THEIRS:
            their_figures(subject, steps, iterations)
        else:
            # Thresholds that are fitted to T are those of one T.
            for group in [steps] if recipe in BALANCED else [[t] for t in steps]:
                our_figures(subject, recipe, group, iterations)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--steps", default="8,16,32,64,128", help="T, with commas")
    parser.add_argument("--iterations", type=int, default=1000, help="K")
    parser.add_argument("--images", type=int, default=1000, help="test images at most")
    parser.add_argument("--calibration", type=int, default=1000, help="calibration images at most")
    parser.add_argument("--recipes", default=",".join((THEIRS, *BALANCED, *FITTED)))
    parser.add_argument("--only", choices=("digits", "resnet20", "squeezenet"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    steps = [int(part) for part in arguments.steps.split(",")]
    shared, sizes = arguments.shared, (arguments.images, arguments.calibration)
    made = {
        "digits": ((), lambda: digits(*sizes)),
        "resnet20": ((WEIGHTS, IMAGES), lambda: cifar10(shared, *sizes)),
        "squeezenet": ((SQUEEZENET, PICTURES), lambda: imagenet(shared, *sizes)),
    }
    for name, (needed, subject) in made.items():
        if arguments.only in (None, name) and not skipped(shared, *needed):
            measure(subject(), steps, arguments.iterations, arguments.recipes.split(","))


if __name__ == "__main__":
    main()
