"""What a network carries besides its integers: event counts, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..golden.network.network import Network
from ..golden.network.provenance import Provenance, shown_text
from ..golden.run.event_counting import count_events, kept_counts
from .measure.energy import cnn_operations

if TYPE_CHECKING:
    from .conversion import Conversion

#: Images that events are counted on, and operations of the golden model that they may take.
COUNTED_IMAGES, COUNTED_OPERATIONS = 32, 1 << 34


def recorded(
    conversion: Conversion,
    images: np.ndarray,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    model: str,
    weights: str = "",
    method: str = "",
    classes: Sequence[str] = (),
) -> Conversion:
    """``conversion`` whose network carries event counts of ``images`` and its provenance.

    Args:
        images: uint8, (images, channels, rows, columns): some of them are counted, from all over.
        model, weights, method, classes: see ``Provenance``; class names of another number of
            classes than the network has are left out.
    """
    if conversion.lowered is None:
        return conversion
    network = conversion.network
    provenance = Provenance(
        model=shown_text(model),
        weights=shown_text(weights),
        method=shown_text(method),
        mean=tuple(map(float, mean)),
        std=tuple(map(float, std)),
        classes=tuple(map(shown_text, classes)) if len(classes) == network.classes else (),
        calibration_images=len(images),
        rheobase=version("rheobase"),
        torch=shown_text(torch.__version__),
    )
    # Signals are rows of one to the network.
    counted = images[_spread(network, len(images))].reshape(-1, *network.input_shape)
    counts = kept_counts(count_events(network, counted))
    return with_network(conversion, replace(network, events=counts, provenance=provenance))


def with_accuracies(
    conversion: Conversion, images: int, cnn: float, float_snn: float, network: float | None
) -> Conversion:
    """``conversion`` with percentages of right answers on so many ``images`` in its provenance."""
    provenance = replace(
        conversion.network.provenance or Provenance(),
        test_images=images,
        cnn_accuracy=cnn,
        float_accuracy=float_snn,
        network_accuracy=network,
    )
    return with_network(conversion, replace(conversion.network, provenance=provenance))


def with_network(conversion: Conversion, network: Network) -> Conversion:
    """``conversion`` with ``network`` in place of its own."""
    assert conversion.lowered is not None  # else there is no network to replace
    return replace(conversion, lowered=replace(conversion.lowered, network=network))


def _spread(network: Network, images: int) -> np.ndarray:
    """Indices of the images to count: evenly spread, as a set may be sorted by class."""
    affordable = int(COUNTED_OPERATIONS / (cnn_operations(network) * network.steps))
    count = min(images, max(2, min(COUNTED_IMAGES, affordable)))
    return np.linspace(0, images - 1, count).astype(int)
