"""An accelerator's streams as the golden model has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.lib import data

from rheobase.golden.network.network import Network
from rheobase.golden.run.run import run_golden
from rheobase.hw.accelerator.accelerator import result_layout

from .components import encode


def image_streams(
    network: Network, images: np.ndarray
) -> tuple[list[list[int]], list[dict[str, Any]]]:
    """Pixels of ``images``, and the beats of results that the golden model makes of them."""
    pixels = [p for image in images for p in image.reshape(len(image), -1).T.tolist()]
    beats = []
    for scores in run_golden(network, images).scores:
        for index, score in enumerate(scores):
            beats.append(
                {
                    "score": int(score),
                    "prediction": int(np.argmax(scores[: index + 1])),
                    "last": int(index == len(scores) - 1),
                }
            )
    return pixels, beats


def encoded_streams(network: Network, images: np.ndarray) -> tuple[list[int], list[int]]:
    """``image_streams`` as the bits of payloads."""
    pixels, beats = image_streams(network, images)
    pixel_layout = data.ArrayLayout(8, network.input_shape[0])
    return (
        [encode(pixel_layout, pixel) for pixel in pixels],
        [encode(result_layout(network), beat) for beat in beats],
    )
