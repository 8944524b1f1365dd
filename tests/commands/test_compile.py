"""``rheobase compile``: a plan, and a file that an engine runs; or one line."""

from __future__ import annotations

import json

import pytest

from rheobase import console
from rheobase.golden import Coding, network_hash, save_network
from rheobase.hw.engine.design import EngineDesign
from rheobase.hw.engine.program_file import load_program
from tests.support.networks.residual_networks import residual_network


@pytest.fixture
def compile_(tmp_path, monkeypatch, run_command):
    """The command in a folder with net.safetensors, its image and small.json, an engine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console.OUT, "width", 200)
    save_network(residual_network(Coding.RADIX, steps=3), "net.safetensors")
    save_network(residual_network(Coding.RATE, steps=3), "rate.safetensors")
    (tmp_path / "small.json").write_text(json.dumps({"lanes": 4, "neurons": 8}))
    return lambda *arguments: run_command("compile", *arguments)


def test_a_program_is_written_and_its_plan_printed(compile_):
    status, shown, _ = compile_("net.safetensors", "-o", "net.rbe", "--engine", "small.json")
    assert status == 0
    network = residual_network(Coding.RADIX, steps=3)
    for layer in network.layers:
        assert f" {layer.name} " in shown
    assert "6 passes on 8 x 4 adders" in shown
    assert "images/s at 50 MHz" in shown
    program = load_program("net.rbe")
    assert program.design == EngineDesign(lanes=4, neurons=8)
    assert program.network_hash == network_hash(network)


def test_a_network_in_rate_is_compiled(compile_):
    status, shown, _ = compile_("rate.safetensors", "-o", "rate.rbe", "--engine", "ulx3s-85f-24")
    assert status == 0 and "6 passes on 24 x 16 adders" in shown
    assert all(place.train is not None for place in load_program("rate.rbe").maps[:-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent"], "absent: cannot be read"),
        (["rate.safetensors", "--engine", "ulx3s-85f-16"], "coding is rate, must be radix"),
        (["net.safetensors", "--engine", "huge"], "engine is 'huge', must be one of 'ulx3s-85f'"),
        (["net.safetensors", "--engine", "no.json"], "no.json: cannot be read"),
        (["net.safetensors", "--engine", "net.safetensors"], "net.safetensors: no JSON"),
        (["net.safetensors", "--clock", "0"], "--clock: 0, must be"),
        (["net.safetensors", "--memory-bits", "0"], "--memory-bits is 0, must be"),
        (["net.safetensors", "-o", "no/a.rbe"], "no folder no to write to"),
    ],
)
def test_what_cannot_be_compiled_is_one_line(compile_, tmp_path, arguments, message):
    status, _, error = compile_(*arguments)
    assert status in (2, 3)
    assert message in error and len(error.strip().splitlines()) == 1
    assert not list(tmp_path.glob("**/*.rbe"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"lanes": 3}', "lanes (E) is 3, must be a power of two"),
        ('{"lane": 4}', "['lane'] is no parameter, must be of lanes, neurons"),
        ("[4]", "[4] is no parameter"),
    ],
)
def test_an_engine_of_a_file_is_checked(compile_, tmp_path, text, message):
    (tmp_path / "engine.json").write_text(text)
    status, _, error = compile_("net.safetensors", "--engine", "engine.json")
    assert (
        status == 2
        and f"engine.json: EngineDesign: {message}".replace(
            "EngineDesign: ", "" if "parameter" in message else "EngineDesign: "
        )
        in error
    )
