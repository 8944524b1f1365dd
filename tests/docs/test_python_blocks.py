"""Python blocks of README and pages run as they stand, on small networks in place of a reader's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rheobase
from rheobase.boards.builds.board_top import board_verilog
from rheobase.boards.simulation.board import build_board, running_board
from tests.docs.shown import ROOT
from tests.support.networks.random_networks import smallest_folding

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CLOCK, BAUD = 12_000_000, 3_000_000
Names = dict[str, Any]


def blocks(page: str) -> list[str]:
    """The Python blocks of ``page``, a path below the repository's root."""
    return _BLOCK.findall((ROOT / page).read_text("utf-8"))


def run(page: str, names: Names, count: int, replaced: tuple[str, str] = ("", "")) -> None:
    """Run the blocks of ``page``, of which there are ``count``, with ``names`` of the reader's."""
    found = blocks(page)
    assert len(found) == count
    for block in found:
        exec(block.replace(*replaced) if replaced[0] else block, names)


def digits(channels: int = 1) -> Names:
    """A CNN of two layers and pictures for it, as a reader has them."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(channels, 4, 3),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(36, 10),
    )
    images = rng.integers(0, 256, (20, channels, 8, 8)).astype(np.uint8)
    return {"model": model, "images": images, "test_images": images[:4]}


def converted(**options: Any) -> Names:
    """The same with ``conversion``."""
    names = digits()
    made = rheobase.convert(
        names["model"], names["images"], mean=0.5, std=0.25, options=rheobase.Options(**options)
    )
    return names | {"rheobase": rheobase, "conversion": made}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_converter(capsys):
    run("docs/converter.md", {}, 7)
    assert "boxes" in capsys.readouterr().out


def test_diagnose(capsys):
    run("docs/diagnose.md", {}, 1)
    assert len(capsys.readouterr().out.splitlines()) == 2  # a line for each layer


def test_network():
    names = converted(coding="radix", steps=3)
    names["network"] = names["conversion"].network
    run("docs/network.md", names, 1)
    result = names["result"]
    assert result.outputs[0].shape == (20, 10, 1, 1)
    assert np.array_equal(result.scores, result.outputs[0][:, :, 0, 0])
    assert np.array_equal(result.answers, result.scores.argmax(1))


@pytest.mark.slow
def test_report(tmp_path):
    names = converted(coding="radix", steps=3) | {"labels": np.arange(20) % 10}
    names["network"] = names["conversion"].network
    run("docs/report.md", names, 1)
    assert (tmp_path / "report.html").stat().st_size > 1e5
    assert names["contents"]


@pytest.mark.slow
def test_boards(capsys):
    """The board is its design in Verilator behind a pseudo-terminal."""
    names = converted(coding="radix", steps=3)
    network = names["conversion"].network
    rheobase.save_network(network, "network.safetensors")
    verilog = board_verilog(network, smallest_folding(network), clock=CLOCK, baud=BAUD)
    with running_board(build_board(verilog), CLOCK / BAUD) as port:
        run("docs/boards.md", names, 1, ("/dev/ttyUSB0", port))
    answers = rheobase.run_golden(network, names["images"]).answers
    assert capsys.readouterr().out.strip() == str(answers)


@pytest.mark.slow
def test_interop(tmp_path, capsys):
    """NIR with what was just written as the reader's graph; SpikingJelly is an extra (peers)."""
    nir_out, nir_in, spikingjelly, brevitas = blocks("docs/interop.md")
    names = converted(steps=8, lower=False)
    exec(nir_out, names)
    (tmp_path / "snn.nir").rename("graph.nir")
    exec(nir_in, names)
    assert (tmp_path / "again.nir").stat().st_size
    exec(brevitas, names | {"model": _quantised()})
    assert capsys.readouterr().out.splitlines() == ["()", "('1', '3')"]
    jelly = pytest.importorskip("spikingjelly.activation_based.ann2snn", reason="an extra (peers)")
    convolution = torch.nn.Conv2d(3, 2, 3)
    model = torch.nn.Sequential(convolution, torch.nn.ReLU(), torch.nn.Flatten())
    loader = [(torch.rand(2, 3, 32, 32), torch.zeros(2))]
    exec(spikingjelly, names | {"model": model, "loader": loader, "ann2snn": jelly})


def _quantised() -> torch.nn.Module:
    qnn = pytest.importorskip("brevitas.nn")
    model = torch.nn.Sequential(
        qnn.QuantConv2d(3, 4, 3, weight_bit_width=4),
        qnn.QuantReLU(bit_width=4),
        torch.nn.Flatten(),
        qnn.QuantLinear(3600, 3, bias=True, weight_bit_width=4),
    )
    model(torch.rand(2, 3, 32, 32))  # scales of activations are learnt from what they see
    return model.eval()


@pytest.mark.slow
def test_readme(tmp_path):
    names = digits()
    run("README.md", names, 1)
    assert np.array_equal(
        names["answers"], rheobase.run_golden(names["conversion"], names["test_images"]).answers
    )
    assert "module accelerator" in str(names["verilog"])
    assert list(tmp_path.rglob("*.bit"))


def test_every_page_with_python_is_run():
    """A page with a Python block stands in a test here, or in tests/docs/test_commands.py."""
    text = Path(__file__).read_text("utf-8")
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    missing = [
        page.name
        for page in pages
        if blocks(str(page.relative_to(ROOT)))
        and f'{page.relative_to(ROOT)}"' not in text
        and page.name not in ("tutorial.md", "scripts.md")
    ]
    assert not missing
