"""`--json` of every command: one object that has the schema, and says what the text says."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from rheobase import load_images, load_program
from rheobase.cli import app
from rheobase.golden import load_network, network_hash, run_golden, save_network
from rheobase.results.envelope import SCHEMA_FILE
from tests.support.answering_board import answering_board
from tests.support.answering_engine import CLOCK, CYCLES, answering_engine
from tests.support.json_output import envelope_of, result_of
from tests.support.models.tasks import MODELS, write_voc
from tests.support.networks.random_networks import network_of_digits
from tests.support.result_schema import results, text

NETWORK = "network.safetensors"
DIGITS = ("--images", "digits", "--count", 12)
MODEL = """
import torch
from torch import nn

def cnn():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 10))
"""
CONVERTED = ("convert", "models.py:cnn", *DIGITS, "--calibration", 20, "--recipe", "cltb")
SMALL = ("-P", "1,1", "-E", "1,1")
STUDY = ("models.py:cnn", *DIGITS, "--calibration", 20, "-T", 2)
CASES = {
    "convert": CONVERTED,
    "convert --float": (*CONVERTED, "--float", "-o", "float.safetensors"),
    "generate": ("generate", NETWORK, *SMALL, "--board", "ulx3s-12f", "--plan-images", "digits"),
    "simulate": ("simulate", NETWORK, *DIGITS, *SMALL),
    "compile": ("compile", "radix.safetensors"),
    "view": ("view", NETWORK, "--images", "digits", *SMALL, "-o", "run.vcd"),
    "build": ("build", NETWORK, "--board", "generic", *SMALL),
    "export-nir": ("export-nir", NETWORK),
    "import-nir": ("import-nir", "network.nir", "-o", "read.safetensors"),
    "program": ("program", "board"),
    "classify": ("classify", "--port", "PORT", NETWORK, "digits", "--count", 3),
    "load": ("load", "--port", "ENGINE", "network.rbe"),
    "run": ("run", "--port", "ENGINE", "network.rbe", "radix.safetensors", "digits", "-n", 3),
    "inspect": ("inspect", NETWORK),
    "inspect float": ("inspect", "float.safetensors"),
    "inspect build": ("inspect", "build/generic"),
    "boards": ("boards",),
    "doctor": ("doctor",),
    "report": ("report", NETWORK, *DIGITS, "--simulate", 0),
    "diagnose": ("diagnose", NETWORK, *DIGITS),
    "sweep": ("sweep", *STUDY, "--recipe", "cltb", "--weight-bits", "float,4"),
    "table1": ("table1", *STUDY),
    "evaluate": (
        *("evaluate", "voc-segmentation", "tasks.py:segmenter", "--data", ".", "--recipe", "ltb"),
        *("-T", 4, "--count", 2, "--calibration", 2, "--resize", 16),
    ),
    "energy": ("energy", NETWORK, *DIGITS, "-T", "2,8"),
    "demo": ("demo",),
}
SLOW = {"demo", "table1", "view"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Everything that a command is given."""
    place = tmp_path_factory.mktemp("json")
    (place / "models.py").write_text(MODEL)
    (place / "tasks.py").write_text(MODELS)
    write_voc(place)
    (place / "board").mkdir()
    (place / "board" / "rheobase.bin").write_bytes(b"bits")
    (place / "board" / "manifest.json").write_text(
        '{"format": "rheobase-build", "version": 1, "board": "icebreaker"}'
    )
    loader = place / "loader"
    loader.write_text("#!/bin/sh\n")
    loader.chmod(0o755)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(place)
        save_network(network_of_digits(), place / "radix.safetensors")
        for case in ("convert", "convert --float", "export-nir", "build", "compile"):
            words = [*map(str, CASES[case])]
            assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    return place


@pytest.fixture(scope="module")
def kept():
    """What commands have printed: none is run twice."""
    return {}


@pytest.fixture
def printed(folder, kept, monkeypatch, run_command):
    """What a command prints with ``--json``: (status, standard output, standard error)."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OPENFPGALOADER", str(folder / "loader"))

    def run(*words):
        if words not in kept:
            held = load_program("network.rbe")
            with (
                answering_board(load_network(NETWORK)) as board,
                answering_engine(held.design, held if words[0] == "run" else None) as engine,
            ):
                ports = {"PORT": board, "ENGINE": engine}
                given = [ports.get(word, word) for word in words]
                kept[words] = run_command(*given, "--json")
        return kept[words]

    return run


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow) if case in SLOW else case for case in CASES],
)
def test_every_command(printed, case):
    status, shown, error = printed(*CASES[case])
    assert status == 0, error
    found = envelope_of(shown)
    assert (found["command"], found["status"], found["error"]) == (CASES[case][0], 0, None)
    assert found["result"] and not error


def test_no_command_is_left_out():
    """``engine`` takes yosys and nextpnr: ``tests/boards/builds/test_engine_board.py`` has it."""
    assert {words[0] for words in CASES.values()} | {"engine"} == {*results()}


def test_the_file_is_what_the_classes_say():
    """`make schema` writes it."""
    assert SCHEMA_FILE.read_text("utf-8") == text()


def test_figures_are_those_of_the_network(printed, folder):
    network = load_network(folder / NETWORK)
    images = load_images("digits").images[:12]
    golden = run_golden(network, images, record=True)
    found = result_of(printed(*CASES["simulate"])[1])["comparison"]
    assert found["equal"] and found["images"] == found["recorded_images"] == 12
    spikes = [record.spikes for record in golden.layers if record.spikes is not None]
    assert [layer["spikes"] for layer in found["layers"] if layer["spikes"]] == [
        trains.size for trains in spikes
    ]
    board = result_of(printed(*CASES["classify"])[1])
    assert board["network"] == network_hash(network)
    assert [answer["answer"] for answer in board["answers"]] == golden.answers[:3].tolist()
    assert board["differ"] == {"answers": 0, "scores": 0}


def test_figures_of_an_engine_are_those_of_the_network(printed, folder):
    network, program = load_network(folder / "radix.safetensors"), load_program("network.rbe")
    found = result_of(printed(*CASES["load"])[1])
    # A label of 32 bytes is written with it.
    words = len(program.weights) + len(program.passes)
    assert (found["network"], found["sent_bytes"]) == (network_hash(network), 4 * words + 32)
    found = result_of(printed(*CASES["run"])[1])
    answers = run_golden(network, load_images("digits").images[:3]).answers
    assert [answer["answer"] for answer in found["answers"]] == answers.tolist()
    assert found["differ"] == {"answers": 0, "scores": 0}
    assert (found["cycles_per_image"], found["clock_hz"]) == (CYCLES, CLOCK)


def test_an_engine_that_has_another_program(printed):
    status, shown, _ = printed("run", "--port", "PORT", "network.rbe", "digits")
    assert status == 2 and "one network's accelerator, no engine" in envelope_of(shown)["error"]


FAILURES = {
    "bad input": (("generate", "absent"), 2, "generate", "absent: cannot be read"),
    "no such option": (("boards", "--bogus"), 2, "boards", "No such option: --bogus"),
    "no argument": (("convert",), 2, "convert", "Missing argument"),
    "no such command": (("paint",), 2, None, "No such command 'paint'"),
    "machine": (
        ("export-nir", NETWORK, "-o", "/dev/full"),
        3,
        "export-nir",
        "/dev/full: cannot be",
    ),
    "both": (("boards", "-q", "-v"), 2, "boards", "--quiet: must be without --verbose"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_failures(printed, case):
    words, status, command, message = FAILURES[case]
    ended, shown, error = printed(*words)
    found = envelope_of(shown)
    assert ended == found["status"] == status and found["command"] == command
    assert found["result"] is None and message in found["error"]
    assert error == f"rheobase: {found['error']}\n"


def test_what_differs_has_its_status(printed, folder, monkeypatch):
    """The network file is another than the board's is refused; another answer is told."""
    monkeypatch.setattr(
        "tests.support.answering_board.run_golden",
        lambda network, *rest, **settings: _changed(run_golden(network, *rest, **settings)),
    )
    status, shown, _ = printed(*CASES["classify"], "--timeout", 2)
    found = envelope_of(shown)
    assert status == found["status"] == 1 and found["error"] is None
    assert found["result"]["differ"]["scores"] == 3


def _changed(run):
    run.scores[:, 0] += 1
    return run


def test_notes_stand_beside_the_result(printed, folder):
    network = load_network(folder / NETWORK)
    unnamed = replace(network.provenance, model="Sequential")
    save_network(replace(network, provenance=unnamed), folder / "unnamed")
    found = envelope_of(printed("report", "unnamed", *DIGITS, "--simulate", 0)[1])
    (note,) = found["notes"]
    assert note == "without the CNN: MODEL: needed, as unnamed does not say what it was made of"


def test_the_schema_refuses_what_is_no_result():
    for change in ({"result": {"boards": 1}}, {"more": 1}, {"command": "paint"}):
        good = {
            "rheobase": "1",
            "schema": 1,
            "command": "boards",
            "status": 0,
            "result": {"boards": []},
            "error": None,
            "notes": [],
        }
        envelope_of(json.dumps(good))
        with pytest.raises(AssertionError):
            envelope_of(json.dumps(good | change))
