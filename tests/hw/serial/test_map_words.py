"""MapWords against NumPy: which weights the bits of each word have, and what they are worth."""

import numpy as np
import pytest

from rheobase.hw.serial.map_words import MapWords
from tests.hw.serial.designs import CHANNELS, KINDS, SIZE, SOURCE_NEURONS, STEPS, serial_layer
from tests.support.simulation.components import check_exchange
from tests.support.simulation.components import word as number_of

IMAGES = 3


def _map_bits(rng, kind, steps):
    """(images, rows, columns, words of a pixel, planes of a word's train, bits of a word)."""
    pixels = KINDS[kind][1]
    words, planes, width = 3, steps * (2 if kind == "signed rate" else 1), SOURCE_NEURONS
    if pixels:
        words, planes, width = 1, 1, 16
    bits = rng.integers(0, 2, (IMAGES, *SIZE, words, planes, width))
    if not pixels:  # the last word has a channel less
        bits[..., -1, :, CHANNELS % SOURCE_NEURONS :] = 0
    return bits


@pytest.mark.parametrize("steps", [STEPS, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_marks(kind, steps):
    if kind == "pixels" and steps != STEPS:
        pytest.skip("pixels have no T")
    rng = np.random.default_rng(len(kind) + steps)
    layer = serial_layer(kind, 2)
    component = MapWords(layer.serial_design)
    bits = _map_bits(rng, kind, steps)
    delay = 1 if "rate" in kind else 0
    # P = 2 of 7 outputs: 4 groups, so that many weight words for each channel.
    groups, channels = 4, 2 if kind == "pixels" else SOURCE_NEURONS
    # Channels 1 to 3 are seen: of words 0 to 2 the upper bit, both bits; the third is dropped.
    kept_words = bits if kind == "pixels" else bits[..., :2, :, :]
    seen = np.ones((1, 16), int) if kind == "pixels" else np.array([[0, 1], [1, 1]])
    words, marked = [], []
    for image in kept_words:
        places = image.reshape(-1, *image.shape[2:])
        for place, of_pixel in enumerate(places):
            for word, train in enumerate(of_pixel):
                first = word if KINDS[kind][3] else place * len(of_pixel) + word
                for plane, bit in enumerate(train):
                    step = plane // 2 if kind == "signed rate" else plane
                    counts = "rate" not in kind or step >= delay
                    last = place == len(places) - 1 and word == len(of_pixel) - 1
                    words.append(number_of(bit))
                    marked.append(
                        {
                            "bits": number_of(bit * seen[word]) if counts else 0,
                            "weights": first * channels * groups,
                            "shift": {"pixels": 7}.get(kind, 0)
                            if "radix" not in kind
                            else steps - 1 - step,
                            "negative": int("signed" in kind and plane % (2 * steps) == 0)
                            if kind != "signed rate"
                            else 1 - plane % 2,
                            "last": int(last and plane == len(train) - 1),
                        }
                    )
    check_exchange(
        component,
        {"words": (component.words.payload.shape(), words)},
        {"marked": (component.layout, marked)},
        ports={"steps": steps, "delay": delay},
    )
