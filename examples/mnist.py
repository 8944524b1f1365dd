"""Train the MNIST network of the benchmarks: three 3x3 convolutions of 8, 16 and 32 channels.

    python examples/mnist.py --data-root DATA --output build/mnist.safetensors

Then convert it with `rheobase convert examples/mnist.py:cnn --weights build/mnist.safetensors ...`.
DATA is the folder above torchvision's MNIST folder; `--download` fetches the set where it is
absent.
"""

from __future__ import annotations

import argparse
import time
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
    """Input 28 x 28, padding 1, batch normalisation, ReLU and 2x2 max pooling after each."""
    layers: list[nn.Module] = []
    channels = 1
    for width in (8, 16, 32):
        layers += [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 3 * 3, 10))


def load(root: Path, train: bool, download: bool) -> tuple[Tensor, Tensor]:
    """Normalised images (N, 1, 28, 28) and labels (N,)."""
    datasets = import_torchvision()
    data = datasets.MNIST(root=str(root), train=train, download=download)
    return (data.data[:, None].float() / 255 - MEAN) / STD, data.targets


def train(model: nn.Module, images: Tensor, labels: Tensor, epochs: int, seed: int) -> None:
    """Adam with a one-cycle learning rate."""
    generator = torch.Generator().manual_seed(seed)
    batch = 200
    optimiser = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=0.02, total_steps=epochs * (len(images) // batch)
    )
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        for picked in order[: len(order) // batch * batch].split(batch):
            loss = functional.cross_entropy(model(images[picked]), labels[picked])
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
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--download", action="store_true", help="fetch MNIST where it is absent")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    try:
        images, labels = load(arguments.data_root, True, arguments.download)
        test_images, test_labels = load(arguments.data_root, False, arguments.download)
    except (RuntimeError, RheobaseError) as error:
        parser.error(f"MNIST under {arguments.data_root}: {error}")
    model = cnn()
    start = time.perf_counter()
    train(model, images, labels, arguments.epochs, arguments.seed)
    seconds = time.perf_counter() - start
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(arguments.output, save(model.state_dict()))
    score = accuracy(model, test_images, test_labels)
    print(f"{score:.2f} % of {len(test_labels)} test images, trained in {seconds:.0f} s")
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
