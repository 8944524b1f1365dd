"""A small network's report, measured once, and a browser that opens its page."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from rheobase.converter.conversion import convert
from rheobase.converter.options import Options
from rheobase.golden.network.network import Coding
from rheobase.reporting.contents import Subject
from rheobase.reporting.writing import json_beside, write_report


@pytest.fixture(scope="session")
def subject():
    """A CNN on random images, whose labels are the CNN's answers but for some."""
    import torch

    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 3)
    )
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (24, 1, 6, 6)).astype(np.uint8)
    options = Options(coding=Coding.RATE, steps=4, method="cltb")
    conversion = convert(model, images, mean=(0.5,), std=(0.25,), options=options, name="<b>&net")
    with torch.inference_mode():
        labels = model((torch.from_numpy(images) / 255 - 0.5) / 0.25).argmax(dim=1).numpy()
    labels[:3] = (labels[:3] + 1) % 3
    return Subject(
        conversion.network,
        images,
        labels,
        "random images",
        model=model,
        board="icebreaker",
        simulated=4,
    )


@pytest.fixture(scope="session")
def report(subject, tmp_path_factory):
    """The page's path, and what its JSON holds."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    contents = write_report(subject, path)
    assert json_beside(path).is_file()
    return path, contents


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        assert os.environ.get("CI") != "true", "chromium is absent"
        pytest.skip("chromium is absent")
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def without_hardware(subject):
    return replace(subject, simulated=0, model=None)
