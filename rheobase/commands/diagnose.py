"""``rheobase diagnose``: where a network loses what its model knows, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..options.files import NetworkFile
from ..options.images import Drawn, ImageOptions, Images
from ..options.models import ModelOfNetwork, Weights, factory_of_network
from ..results.models import Diagnosed, LayerLoss

if TYPE_CHECKING:
    from ..golden.network.network import Network

#: What is printed of a layer's errors: title and field.
_ERRORS = (
    ("error %", "total"),
    ("enters", "entering"),
    ("weights", "weights"),
    ("clipping", "clipping"),
    ("levels", "levels"),
    ("timing", "timing"),
)


def diagnose(
    network: NetworkFile,
    images: Images,
    reading: ImageOptions,
    model: ModelOfNetwork = None,
    weights: Weights = None,
    count: Drawn = 200,
) -> Diagnosed:
    """Show where a network loses what its model knows.

    For each layer: the error of what it delivers; what enters from the layers before; what it adds
    by its weights, by clipping, by whole spikes (levels) and by their timing. And how many answers
    are the CNN's where that layer alone computes as the CNN does.
    """
    from dataclasses import asdict

    from ..console import note, progress_bar
    from ..converter.data.data import matched_classes
    from ..converter.data.model import load_model, model_shape
    from ..converter.measure.diagnosis import diagnose as measured
    from ..golden.files.file import load_network

    given = load_network(network)
    named = factory_of_network(network, given, model, weights)
    module = load_model(named, weights, note)
    testing = reading.load(images, shape=given.input_shape, sample=(count, 1), labelled=False)
    testing = matched_classes(testing, given.output_shapes[0])
    shape = model_shape(module, given.input_shape) or given.input_shape
    with progress_bar("diagnosing", len(testing.images)) as progress:
        found = measured(
            given,
            module,
            testing.images.reshape(-1, *shape),
            testing.labels if testing.labelled else None,
            progress=progress,
        )
    layers = [LayerLoss(**asdict(layer)) for layer in found.layers]
    result = Diagnosed(
        layers, found.images, found.cnn_answers, found.right_answers, found.cnn_right_answers
    )
    _show(given, result)
    return result


def _show(network: Network, result: Diagnosed) -> None:
    from ..console import note, say, show
    from ..tables import table

    answered = [
        (title, field)
        for title, field in (("CNN's answers %", "cnn_answers"), ("right %", "right_answers"))
        if getattr(result, field) is not None
    ]
    rows = [
        [
            layer.name,
            *(f"{100 * getattr(layer, field):.1f}" for _, field in _ERRORS),
            *(f"{getattr(layer, field):.1f}" for _, field in answered),
        ]
        for layer in result.layers
    ]
    columns = ("layer", *(title for title, _ in (*_ERRORS, *answered)))
    title = f"{network.coding}, T = {network.steps}, {result.images} images"
    show(table(title, columns, rows))
    if result.cnn_answers is not None:
        right = ""
        if result.right_answers is not None:
            right = (
                f"; right {result.right_answers:.1f} %, of the CNN {result.cnn_right_answers:.1f} %"
            )
        say(f"the network's answers: the CNN's in {result.cnn_answers:.1f} %{right}")
        note("answers in the table: with that layer alone computed as the model does")
