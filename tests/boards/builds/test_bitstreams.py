"""The folder of bitstreams that a release carries."""

import hashlib
import json
import sys

import pytest

from benchmarks import bitstreams
from rheobase.boards.builds.output import network_entries
from rheobase.golden import RheobaseError, save_network
from tests.support.networks.random_networks import smallest_folding, tiny_network


@pytest.fixture
def network():
    return tiny_network(5)


def test_folder_says_what_each_file_is(tmp_path, network, monkeypatch, capsys):
    """Earlier builds are taken; what fails is named; every file has its sum."""
    save_network(network, tmp_path / "net.safetensors")
    work, output = tmp_path / "work", tmp_path / "out"
    manifest = {
        "format": "rheobase-build",
        "board": "tang-nano-20k",
        **network_entries(network, smallest_folding(network)),
        "clock": {"made_hz": 54_000_000, "achieved_hz": 171_290_000},
        "usage": {"LUT4": {"used": 5959, "available": 20736}},
        "files": {},
    }
    (work / "net-tang-nano-20k").mkdir(parents=True)
    (work / "net-tang-nano-20k" / "manifest.json").write_text(json.dumps(manifest))
    (work / "net-tang-nano-20k" / "rheobase.fs").write_bytes(b"bits")

    def refuse(*arguments, **options):
        raise RheobaseError("net does not fit iCEBreaker")

    monkeypatch.setattr(bitstreams, "build_planned", refuse)
    arguments = [tmp_path / "net.safetensors", "-o", output, "--work", work]
    boards = ["--boards", "tang-nano-20k,icebreaker"]
    monkeypatch.setattr(sys, "argv", ["bitstreams", *map(str, arguments), *boards])
    bitstreams.main()
    assert "1 bitstreams in" in capsys.readouterr().out

    sums = dict(line.split("  ")[::-1] for line in (output / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in output.iterdir()
        if path.name != "SHA256SUMS"
    }
    assert {"net-tang-nano-20k.fs", "net-tang-nano-20k.json", "net.safetensors"} < set(sums)
    text = (output / "README.md").read_text()
    assert "54 MHz | 171.3 MHz | 5,959 of 20,736 |" in text
    assert "- `net-icebreaker`: net does not fit iCEBreaker" in text
