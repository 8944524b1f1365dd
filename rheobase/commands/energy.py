"""``rheobase energy``: synaptic operations, SOP90, SOP95 and FPS/W of a network file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..console import OUT, progress_bar
from ..converter.data.data import load_images, matched_classes
from ..converter.data.image_files import Sizing
from ..converter.measure.energy import cheapest, cnn_operations, frames_per_second_and_watt, measure
from ..golden.errors import RheobaseError
from ..golden.file import load_network
from ..golden.network import Coding, Network
from ..tables import table


@dataclass(frozen=True)
class Request:
    """Options of the command, see ``rheobase energy --help``."""

    network: Path
    images: str
    data_root: Path | None
    test: int
    sizing: Sizing
    steps: tuple[int, ...] | None
    cnn_accuracy: float | None
    synaptic_joules: float
    ann_joules: float


def run(request: Request) -> None:
    """Print both tables; each says which constants its joules come from."""
    network = load_network(request.network)
    cnn_accuracy, source = _cnn_accuracy(request, network)
    testing = load_images(
        request.images,
        data_root=request.data_root,
        shape=network.input_shape,
        sample=(request.test, 1),
        sizing=request.sizing,
    )
    testing = matched_classes(testing, network.output_shapes[0])
    steps = request.steps or (network.steps,)
    if network.coding == Coding.RADIX:
        steps = (network.steps,)
    with progress_bar("golden model", len(steps) * len(testing.images)) as progress:
        points = measure(network, testing.images, testing.labels, steps, progress)
    last = points[-1]
    note = (
        f"an estimate from {request.synaptic_joules * 1e15:g} fJ per synaptic operation and "
        f"{request.ann_joules * 1e12:g} pJ per operation of the CNN"
    )
    rows = [[name, f"{count:.0f}"] for name, count in last.layers]
    OUT.print(table(f"T = {last.steps}", ("layer", "synaptic operations per image"), rows))
    dense = cnn_operations(network)
    rows = [
        [
            "CNN",
            f"{cnn_accuracy:.2f}",
            f"{dense:.0f}",
            f"{frames_per_second_and_watt(dense, request.ann_joules):.0f}",
        ]
    ]
    named = [(f"SNN, T = {point.steps}", point) for point in points]
    for part in (90, 95):
        point = cheapest(points, cnn_accuracy * part / 100)
        if point is not None:
            named.append((f"SOP{part} (T = {point.steps})", point))
        else:
            rows.append([f"SOP{part}", "", "not reached at these T", ""])
    for name, point in named:
        fps = frames_per_second_and_watt(point.operations, request.synaptic_joules)
        rows.append([name, f"{point.accuracy:.2f}", f"{point.operations:.0f}", f"{fps:.0f}"])
    columns = ("network", "right answers (%)", "operations per image", "FPS/W")
    OUT.print(table(f"energy: {note}", columns, rows))
    if source:
        OUT.print(source, highlight=False)


def _cnn_accuracy(request: Request, network: Network) -> tuple[float, str]:
    """The CNN's accuracy, and a sentence on it where it was not given."""
    if request.cnn_accuracy is not None:
        return request.cnn_accuracy, ""
    known = network.provenance
    if known is None or known.cnn_accuracy is None:
        raise RheobaseError(
            f"--cnn-accuracy: needed, as {request.network} holds none that `rheobase convert` "
            "measured"
        )
    return known.cnn_accuracy, (
        f"the CNN's accuracy is what `rheobase convert` measured on {known.test_images} images"
    )
