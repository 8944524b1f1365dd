"""Training weights through the rounding of activations: what it would give, and takes.

    python -m benchmarks.trained_rounding --shared ../shared resnet20 -T 2 [--passes 8]
    python -m benchmarks.trained_rounding --shared ../shared squeezenet -T 4 --rate 1e-5

The converter does without gradients. Here a float SNN of ``radix`` that it made is trained on the
calibration images it was fitted to, without labels: weights, biases and thresholds by Adam, with
the gradient passed straight through ``floor`` within the range of each neuron. The loss is the
distance of the scores to the CNN's, and the squared error of each layer's activations. Each line is
{"name", "value", "unit", "bound"}, on images that nothing was fitted to, before and after.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from rheobase.converter.conversion import convert_graph
from rheobase.converter.data.batches import Batches
from rheobase.converter.graph.analog import analog_forward, run_graph
from rheobase.converter.graph.graph import WEIGHTED_KINDS, Graph, Operation, per_channel
from rheobase.converter.graph.kernels import run_operation
from rheobase.converter.graph.levels import neuron_levels
from rheobase.converter.options import Options
from rheobase.converter.snn.snn import FloatSnn
from rheobase.golden.network.network import Coding

from . import resnet20, squeezenet
from .figures import IMAGES, WEIGHTS, show, skipped

#: Images of a step.
BATCH = {"resnet20": 32, "squeezenet": 16}


@dataclass(frozen=True)
class Task:
    """A CNN, images that it is converted with, others to test on, and their classes."""

    graph: Graph
    fitted: Batches
    tested: Batches
    labels: Tensor


class _Floor(torch.autograd.Function):
    """Whole numbers, with the gradient of the number itself."""

    @staticmethod
    def forward(_context, value: Tensor) -> Tensor:
        return torch.floor(value)

    @staticmethod
    def backward(_context, gradient: Tensor) -> Tensor:
        return gradient


@dataclass(frozen=True, eq=False)
class Trained:
    """What is trained of an SNN; ``units`` are logarithms of what a unit of a train is worth."""

    snn: FloatSnn
    graph: Graph
    units: dict[str, Tensor]
    initial: dict[str, Tensor]

    @classmethod
    def of(cls, snn: FloatSnn) -> Trained:
        operations = tuple(map(_with_parameters, snn.graph.operations))
        given, units, initial = snn.initial, {}, {}
        for neuron in snn.graph.neurons:
            threshold = snn.thresholds[neuron.name].clone()
            full = neuron_levels(neuron, Coding.RADIX, snn.steps).full
            units[neuron.name] = (threshold / full).log().requires_grad_()
            start = given[neuron.name] if isinstance(given, dict) else given
            initial[neuron.name] = torch.zeros_like(threshold) + start
        return cls(snn, replace(snn.graph, operations=operations), units, initial)

    def parameters(self) -> list[Tensor]:
        """Weights and biases."""
        weighted = (o for o in self.graph.operations if o.kind in WEIGHTED_KINDS)
        return [o.arguments[name] for o in weighted for name in ("weight", "bias")]

    def run(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Scores, and the activation of each layer."""
        found: dict[str, Tensor] = {}

        def at_neuron(operation: Operation, current: Tensor, _owned: bool) -> Tensor:
            levels = neuron_levels(operation, Coding.RADIX, self.snn.steps)
            unit = per_channel(self.units[operation.name].exp(), current.ndim)
            start = per_channel(self.initial[operation.name], current.ndim)
            within = (current / unit + start).clamp(levels.low, levels.high + 0.999)
            found[operation.name] = _Floor.apply(within) * unit
            return found[operation.name]

        return next(iter(run_graph(self.graph, images, at_neuron).values())), found

    def network(self) -> FloatSnn:
        """The SNN with what was trained."""
        operations = tuple(
            replace(o, arguments={k: _detached(v) for k, v in o.arguments.items()})
            for o in self.graph.operations
        )
        thresholds = {
            neuron.name: self.units[neuron.name].detach().exp()
            * neuron_levels(neuron, Coding.RADIX, self.snn.steps).full
            for neuron in self.graph.neurons
        }
        graph = replace(self.graph, operations=operations)
        return replace(
            self.snn, graph=graph, thresholds=thresholds, initial=self.initial, _moved={}
        )


def _with_parameters(operation: Operation) -> Operation:
    """With tensors that gradients can pass through; those of a kernel are trained."""
    arguments = {
        name: value.clone() if isinstance(value, Tensor) else value
        for name, value in operation.arguments.items()
    }
    if operation.kind in WEIGHTED_KINDS:
        if arguments["bias"] is None:
            arguments["bias"] = torch.zeros(len(arguments["weight"]))
        for name in ("weight", "bias"):
            arguments[name].requires_grad_()
    return replace(operation, arguments=arguments)


def _detached(value: object) -> object:
    return value.detach() if isinstance(value, Tensor) else value


def _activations(graph: Graph, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The CNN's scores, and the activation of each of its layers."""
    found: dict[str, Tensor] = {}

    def at_neuron(operation: Operation, current: Tensor, _owned: bool) -> Tensor:
        found[operation.name] = run_operation(operation, current)
        return found[operation.name]

    return next(iter(run_graph(graph, images, at_neuron).values())), found


def _loss(cnn: Graph, trained: Trained, images: Tensor) -> Tensor:
    with torch.no_grad():
        scores, wanted = _activations(cnn, images)
    found_scores, found = trained.run(images)
    distance = functional.kl_div(
        found_scores.log_softmax(1), scores.log_softmax(1), log_target=True, reduction="batchmean"
    )
    parts = [
        (found[name] - value).square().mean() / value.square().mean()
        for name, value in wanted.items()
    ]
    return distance + torch.stack(parts).mean()


def train(cnn: Graph, trained: Trained, images: Tensor, arguments: argparse.Namespace) -> None:
    """Adam with a one-cycle learning rate; half of the batches are mirrored."""
    batch, rate = BATCH[arguments.network], arguments.rate
    groups = [{"params": trained.parameters()}, {"params": list(trained.units.values())}]
    optimiser = torch.optim.Adam(groups, lr=rate, betas=(0.9, 0.99))
    steps = arguments.passes * -(-len(images) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=[rate, 10 * rate], total_steps=steps, pct_start=0.1
    )
    generator = torch.Generator().manual_seed(0)
    for _ in range(arguments.passes):
        for picked in torch.randperm(len(images), generator=generator).split(batch):
            shown = images[picked]
            if torch.rand(1, generator=generator) < 0.5:
                shown = shown.flip(-1)
            optimiser.zero_grad()
            _loss(cnn, trained, shown).backward()
            optimiser.step()
            schedule.step()


@torch.inference_mode()
def judge(name: str, task: Task, snn: FloatSnn) -> None:
    """What of the CNN's scores is unexplained, answers as its, and points lost."""
    wanted = torch.cat([analog_forward(task.graph, batch) for batch in task.tested])
    found = torch.cat([snn(batch) for batch in task.tested])
    rest = (found - wanted).square().sum() / (wanted - wanted.mean(dim=0)).square().sum()
    answers, known = found.argmax(1), wanted.argmax(1)
    lost = (known == task.labels).double() - (answers == task.labels).double()
    show(f"{name}_unexplained", 100 * float(rest), "%", 0)
    show(f"{name}_same_answers", 100 * float((answers == known).double().mean()), "%", 100)
    show(f"{name}_loss", 100 * float(lost.mean()), "points", 0)


def _resnet20(shared: Path) -> Task:
    bench = resnet20.Bench(shared, 2000, 2000)
    return Task(bench.graph, bench.batches, bench.tested, torch.from_numpy(bench.testing.labels))


def _squeezenet(shared: Path) -> Task:
    graph, pictures, labels = squeezenet.read(shared)
    fitted, tested = (
        Batches(pictures[part::2], squeezenet.MEAN, squeezenet.STD) for part in range(2)
    )
    return Task(graph, fitted, tested, torch.from_numpy(labels[1::2].astype(np.int64)))


TASKS: dict[
    str, tuple[Callable[[Path], Task], tuple[float, ...], tuple[float, ...], list[Path]]
] = {
    "resnet20": (_resnet20, resnet20.resnet20.MEAN, resnet20.resnet20.STD, [WEIGHTS, IMAGES]),
    "squeezenet": (
        _squeezenet,
        squeezenet.MEAN,
        squeezenet.STD,
        [squeezenet.WEIGHTS, squeezenet.PICTURES],
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=sorted(TASKS))
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("-T", type=int, default=4, dest="steps")
    parser.add_argument("--passes", type=int, default=8, help="over the calibration images")
    parser.add_argument("--rate", type=float, default=1e-4, help="largest learning rate of weights")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    read, mean, std, needed = TASKS[arguments.network]
    if skipped(arguments.shared, *needed):
        return
    task = read(arguments.shared)
    options = Options(coding=Coding.RADIX, steps=arguments.steps, lower=False)
    snn = convert_graph(task.graph, task.fitted, mean=mean, std=std, options=options).snn
    name = f"{arguments.network}_radix{arguments.steps}"
    judge(f"{name}_fitted", task, snn)
    images = torch.cat(list(task.fitted)).clone()
    trained = Trained.of(snn)
    start = time.process_time()
    with torch.no_grad():
        for part in images.split(BATCH[arguments.network]):
            _activations(task.graph, part)
    middle = time.process_time()
    train(task.graph, trained, images, arguments)
    took = (time.process_time() - middle) / (middle - start)
    judge(f"{name}_trained", task, trained.network())
    show(f"{name}_training", took, "passes", 0)


if __name__ == "__main__":
    main()
