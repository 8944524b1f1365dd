"""Train the MNIST network of the benchmarks: three 3x3 convolutions of 8, 16 and 32 channels.

    python examples/mnist.py --data-root DATA --output build/mnist.safetensors

Then convert it with `rheobase convert examples/mnist.py:cnn --weights build/mnist.safetensors ...`.
DATA is the folder above torchvision's MNIST folder; `--download` fetches the set where it is
absent. `--network wide_cnn` has 16, 32 and 64 channels, and sees images turned, scaled and moved;
what it gave is `examples/mnist_wide.safetensors`. `--network mlp` has 42 hidden neurons, and sees
images moved by a pixel; what it gave is `examples/mnist_mlp.safetensors`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as functional
from safetensors.torch import save
from torch import Tensor, nn

from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.golden.basics.output_files import write_whole
from rheobase.golden.errors import RheobaseError

MEAN, STD = 0.1307, 0.3081


def cnn() -> nn.Sequential:
    """Of 8, 16 and 32 channels."""
    return _convolutions(8, 16, 32)


def wide_cnn() -> nn.Sequential:
    """Of 16, 32 and 64 channels."""
    return _convolutions(16, 32, 64)


def mlp() -> nn.Sequential:
    """784-42-10, batch normalisation and ReLU behind the hidden layer."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(28 * 28, 42, bias=False),
        nn.BatchNorm1d(42),
        nn.ReLU(),
        nn.Linear(42, 10),
    )


def _convolutions(*widths: int) -> nn.Sequential:
    """Input 28 x 28, padding 1, batch normalisation, ReLU and 2x2 max pooling after each."""
    layers: list[nn.Module] = []
    channels = 1
    for width in widths:
        layers += [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * 3 * 3, 10))


def load(root: Path, train: bool, download: bool) -> tuple[Tensor, Tensor]:
    """Normalised images (N, 1, 28, 28) and labels (N,)."""
    datasets = import_torchvision()
    data = datasets.MNIST(root=str(root), train=train, download=download)
    return (data.data[:, None].float() / 255 - MEAN) / STD, data.targets


def distorted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each turned by up to 12 degrees, scaled by up to 12 % and moved by up to 2 pixels."""
    turn, scale, *move = (2 * torch.rand(4, len(images), generator=generator) - 1).unbind()
    angle, scale = torch.pi * 12 / 180 * turn, 1 + 0.12 * scale
    cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
    x, y = (2 * 2 / images.shape[-1] * axis for axis in move)
    places = torch.stack([torch.stack([cosine, -sine, x], 1), torch.stack([sine, cosine, y], 1)], 1)
    grid = functional.affine_grid(places, list(images.shape), align_corners=False)
    empty = -MEAN / STD
    return functional.grid_sample(images - empty, grid, align_corners=False) + empty


def moved(images: Tensor, generator: torch.Generator) -> Tensor:
    """All of them by the same pixel in either direction, or none."""
    down, right = (torch.randint(-1, 2, (2,), generator=generator)).tolist()
    return images.roll((down, right), (2, 3))


def as_they_are(images: Tensor, _generator: torch.Generator) -> Tensor:
    """The images."""
    return images


#: What is done to a batch of images in training.
Changed = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    network: Callable[[], nn.Module]
    epochs: int
    largest_rate: float = 0.02
    changed: Changed = as_they_are


_RECIPES = {
    "cnn": Recipe(cnn, epochs=4),
    "wide_cnn": Recipe(wide_cnn, epochs=20, changed=distorted),
    "mlp": Recipe(mlp, epochs=80, largest_rate=0.01, changed=moved),
}


def train(
    model: nn.Module, images: Tensor, labels: Tensor, recipe: Recipe, epochs: int, seed: int
) -> None:
    """Adam with a one-cycle learning rate."""
    generator = torch.Generator().manual_seed(seed)
    batch = 200
    optimiser = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=recipe.largest_rate, total_steps=epochs * (len(images) // batch)
    )
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        for picked in order[: len(order) // batch * batch].split(batch):
            seen = recipe.changed(images[picked], generator)
            loss = functional.cross_entropy(model(seen), labels[picked])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()


@torch.inference_mode()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Percentage of right answers."""
    model.eval()
    answers = torch.cat([model(part).argmax(1) for part in images.split(500)])
    return 100 * float((answers == labels).double().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True, help="folder above MNIST/")
    parser.add_argument("--output", type=Path, required=True, help="weights, as safetensors")
    parser.add_argument("--network", choices=sorted(_RECIPES), default="cnn")
    parser.add_argument("--epochs", type=int, help="4; 20 for wide_cnn, 80 for mlp")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--download", action="store_true", help="fetch MNIST where it is absent")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    try:
        images, labels = load(arguments.data_root, True, arguments.download)
        test_images, test_labels = load(arguments.data_root, False, arguments.download)
    except (RuntimeError, RheobaseError) as error:
        parser.error(f"MNIST under {arguments.data_root}: {error}")
    recipe = _RECIPES[arguments.network]
    model = recipe.network()
    epochs = arguments.epochs or recipe.epochs
    start = time.perf_counter()
    train(model, images, labels, recipe, epochs, arguments.seed)
    seconds = time.perf_counter() - start
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(arguments.output, save(model.state_dict()))
    score = accuracy(model, test_images, test_labels)
    print(f"{score:.2f} % of {len(test_labels)} test images, trained in {seconds:.0f} s")
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
