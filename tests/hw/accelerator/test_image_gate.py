"""ImageGate: images with another T or t0 wait until the pipeline is empty."""

import pytest

from rheobase.hw.accelerator.image_gate import ImageGate
from rheobase.sim.bench import run_bench


@pytest.mark.parametrize("outputs", [1, 3])
def test_setting_is_held(outputs):
    settings = [[3, 0], [3, 0], [3, 1], [7, 1], [7, 1], [7, 1], [7, 1], [7, 1], [1, 0], [3, 0]]
    run_bench(
        ImageGate(pixel_width=4, pixels=5, steps=7, images=3, outputs=outputs),
        "tests.hw.benches.image_gate_bench",
        {"seed": 3, "pixels": 5, "images": 3, "outputs": outputs, "settings": settings},
    )
