"""One folding and one text, whoever asks: generate, simulate, build, and Python."""

import json
from dataclasses import replace

import numpy as np
import pytest

import rheobase
from rheobase.boards.builds import board_top, built_verilog
from rheobase.boards.builds.built_verilog import manifest_beside
from rheobase.boards.builds.plain_verilog import write_plain_verilog
from rheobase.boards.platforms.registry import board
from rheobase.building import board_build
from rheobase.golden import RheobaseError, load_network, network_hash, save_network
from rheobase.golden.run.event_counting import count_events
from rheobase.hw.planning.default_folding import default_folding
from rheobase.sim import batch
from tests.support.networks.random_networks import (
    network_of_digits,
    random_images,
    smallest_folding,
)


class _StoppedError(RheobaseError):
    """Raised in place of a long build."""


@pytest.fixture(scope="module")
def network():
    found = network_of_digits(largest_channels=2)
    images = random_images(np.random.default_rng(0), found, 8)
    return replace(found, events=count_events(found, images))


@pytest.fixture
def command(tmp_path, monkeypatch, network, run_command):
    """The command in a folder with ``net.safetensors``: its exit status."""
    save_network(network, tmp_path / "net.safetensors")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_command(*arguments)[0]


@pytest.fixture
def simulated(monkeypatch):
    """Texts that were to be simulated; nothing is."""
    texts = []

    def taken(sources, optimise="fast-run"):
        texts.append(sources.verilog)
        raise _StoppedError("stopped")

    monkeypatch.setattr(batch, "build_executable", taken)
    return texts


OPTIONS = {
    "none": [],
    "adders": ["--adders", 40],
    "by hand": ["-P", "2,1", "-E", "1,1"],
    "board": ["--board", "ulx3s-12f"],
    "small board": ["--board", "icebreaker", "--target-fps", 50],
    "area": ["--luts", 9000, "--memory-bits", 400000],
}


@pytest.fixture
def described(monkeypatch):
    """A line for a text, which says of what folding it would be: writing it takes seconds."""

    def text(network, folding):
        return f"// {network_hash(network)} {folding}"

    for module in (batch, built_verilog, board_top):
        monkeypatch.setattr(module, "generate", text)


@pytest.mark.parametrize("case", OPTIONS)
def test_options_mean_the_same_everywhere(
    tmp_path, command, simulated, described, monkeypatch, case
):
    options = OPTIONS[case]
    assert command("generate", "net.safetensors", "-o", "a.v", *options) == 0
    written = (tmp_path / "a.v").read_text()
    command("simulate", "net.safetensors", "--images", "digits", *options)
    assert simulated == [written]
    if "--board" not in options:
        return

    def taken(network, folding, *_, **__):
        simulated.append(board_top.generate(network, folding))
        raise _StoppedError("stopped")

    monkeypatch.setattr(board_build, "build_bitstream", taken)
    command("build", "net.safetensors", *options)
    assert simulated == [written, written]


def test_one_text_whoever_writes_it(tmp_path, command, simulated, network):
    assert command("generate", "net.safetensors", "-o", "a.v") == 0
    written = (tmp_path / "a.v").read_text()
    assert rheobase.generate(load_network("net.safetensors")) == written
    with pytest.raises(_StoppedError):
        rheobase.build_simulation(network)
    assert command("simulate", "net.safetensors", "--images", "digits") == 2
    assert simulated == [written, written]
    made = board_top.board_verilog(network, default_folding(network), clock=10**7, baud=10**6)
    assert made.accelerator == written


def test_the_very_file_is_simulated(tmp_path, command, simulated):
    """With the folding of its manifest, and only while it is what was written, of that network."""
    assert command("generate", "net.safetensors", "-o", "a.v", "-P", "2,1", "-E", "1,1") == 0
    written = (tmp_path / "a.v").read_text()
    arguments = ["simulate", "net.safetensors", "--images", "digits", "--verilog", "a.v"]
    command(*arguments)
    assert simulated.pop() == written
    assert command(*arguments, "--adders", 9) == 2 and not simulated

    (tmp_path / "a.v").write_text(written.replace("1'h0", "1'h1", 1))
    assert command(*arguments) == 2 and not simulated
    (tmp_path / "a.v").write_text(written)
    manifest = json.loads(manifest_beside(tmp_path / "a.v").read_text())
    for change in (
        {"network": {"sha256": "0" * 64}},
        {"folding": []},
        {"folding": 3},
        {"files": {}},
        {"format": "other"},
        {"folding": [manifest["folding"][0] | {"neurons": 99}] * 2},
    ):
        manifest_beside(tmp_path / "a.v").write_text(json.dumps(manifest | change))
        assert command(*arguments) == 2 and not simulated, change
    manifest_beside(tmp_path / "a.v").unlink()
    assert command(*arguments) == 2 and not simulated


def test_the_folder_of_a_build_is_simulated(tmp_path, command, run_command, network):
    """Memory files are found, and every spike is compared."""
    folding = smallest_folding(network)
    write_plain_verilog(network, folding, "generic", tmp_path / "made")
    for verilog in ("made", "made/accelerator.v"):
        status, shown, error = run_command(
            "simulate", "net.safetensors", "--images", "digits", "--count", 6, "--verilog", verilog
        )
        assert status == 0, shown + error
        assert "simulating made/accelerator.v" in shown
        assert "all answers and scores of 6 images" in shown


@pytest.mark.slow
def test_memories_in_a_module_of_their_own_are_part_of_it(tmp_path, network):
    folding = smallest_folding(network)
    write_plain_verilog(network, folding, "asic", tmp_path / "made")
    found = built_verilog.read_built_verilog(tmp_path / "made", network)
    assert found.folding == folding
    assert "module accelerator(" in found.text and "module rheobase_memory" in found.text
    assert sorted(found.memories) == sorted((tmp_path / "made").glob("*.hex"))
    found.memories[0].write_text("0\n")
    with pytest.raises(RheobaseError, match="hex: changed since it was written"):
        built_verilog.read_built_verilog(tmp_path / "made", network)


def test_board_names_are_those_that_are_accepted(command, run_command):
    status, _, refused = run_command("generate", "net.safetensors", "--board", "generic")
    assert status == 2
    assert "`rheobase build`" in " ".join(refused.split())
    assert "generic" not in refused.split("must be")[1]
    with pytest.raises(RheobaseError, match=r"icebreaker.*, generic, asic"):
        board("absent", ("generic", "asic"))
