"""A whole board in Verilator behind a pseudo-terminal, and the host driver as a user has it."""

import os
import random
import subprocess
import sys
import threading
import tty
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import serial
import torch
from torch import nn
from typer.testing import CliRunner

from rheobase.boards.builds.board_top import TOP, board_verilog
from rheobase.boards.host.driver import Board
from rheobase.boards.protocol import (
    FLAG,
    Error,
    FrameDecoder,
    Message,
    decode_identity,
    encode_frame,
    encode_setting,
)
from rheobase.boards.simulation.board import build_board, running_board
from rheobase.cli import app
from rheobase.converter import Options, convert
from rheobase.converter.data.data import NORMALISATION, load_images
from rheobase.converter.data.pixels import normalised
from rheobase.golden import Coding, Readout, RheobaseError, network_hash, run_golden, save_network
from rheobase.golden.network.provenance import Provenance
from rheobase.hw.design.folding import LayerFolding
from rheobase.sim.lint import lint, structure

CLOCK, BAUD = 12_000_000, 3_000_000
#: Seconds of silence: long, so that a busy machine does not look like damage, and where damage is
#: on purpose and each costs one, short.
TIMEOUT, SHORT_TIMEOUT = 10, 0.5


def _network(name, images, labels, coding, steps, delay, readout):
    """A small CNN of random kernels, converted; its last layer by least squares.

    No gradients: what such a layer answers does not depend on how a training went.
    """
    mean, std = NORMALISATION[name]
    torch.manual_seed(0)
    size = images.shape[-1] // 4
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * size * size, 10),
    ).eval()
    with torch.no_grad():
        seen = model[:-1](normalised(images, mean, std)).double()
        wanted = torch.from_numpy(np.eye(10)[labels]) - 0.1
        ridge = seen.T @ seen + 0.1 * torch.eye(seen.shape[1])
        model[-1].weight.copy_(torch.linalg.solve(ridge, seen.T @ wanted).T)
        model[-1].bias.zero_()
    options = Options(
        coding=coding, steps=steps, delay=delay, weight_bits=6, readout=readout, method="cltb"
    )
    return convert(model, images[:300], mean=mean, std=std, options=options).network


def _board(network):
    folding = (LayerFolding(2, 1), LayerFolding(2, 1))
    verilog = board_verilog(network, folding, clock=CLOCK, baud=BAUD)
    return verilog, build_board(verilog, optimise="fast-build")


@pytest.fixture(scope="module")
def digits():
    """`rate` coding, T = 6, t0 = 1, spike counts of scikit-learn's digits."""
    part = load_images("digits", train=True)
    return _network("digits", part.images, part.labels, Coding.RATE, 6, 1, Readout.COUNT)


@pytest.fixture(scope="module")
def built(digits):
    return _board(digits)


@pytest.fixture
def port(built):
    with running_board(built[1], CLOCK / BAUD) as path:
        yield path


def _check(board, network, images, steps=None, delay=None):
    expected = run_golden(network, images, steps=steps, delay=delay)
    found = board.classify(images)
    assert np.array_equal(found.answers, expected.answers)
    assert np.array_equal(found.scores, expected.scores)
    return found


def test_digits(digits, port):
    """Answers and scores of all test images; T and t0; counters; answers alone."""
    images = load_images("digits")
    counted = []
    with Board(port, timeout=TIMEOUT, network=digits) as board:
        identity = board.identity
        assert identity.input_shape == (1, 8, 8) and identity.classes == 10
        assert (identity.steps, identity.delay, identity.radix) == (6, 1, False)
        assert identity.clock == CLOCK and identity.window >= 2
        assert board.setting == (6, 1)
        found = _check(board, digits, images.images)
        assert set(found.answers) == set(range(10)), "answers alike would hide one for another"
        assert found.resent == 0
        counters = board.counters()
        assert counters.images == len(images.images)
        assert counters.last == found.cycles[-1]
        # An image that is alone is the only one that makes the board busy.
        assert max(found.cycles) <= counters.busy <= found.cycles.sum() < counters.total
        board.set(3, 2)
        assert board.setting == (3, 2)
        _check(board, digits, images.images[:20], steps=3, delay=2)
        for steps, delay in ((7, 0), (0, 0), (3, 3), (70_000, 0)):
            with pytest.raises(RheobaseError, match=r"must be T of 1 \.\. 6, t0 of 0 \.\. T - 1"):
                board.set(steps, delay)
        assert board.counters().images == len(images.images) + 20
        alone = board.classify(images.images[:9], scores=False, progress=counted.append)
        assert alone.scores is None and sum(counted) == 9
        assert len(board.classify(images.images[:0]).answers) == 0
        with pytest.raises(RheobaseError, match="images: 1 x 9 x 8 of uint8, must be 1 x 8 x 8"):
            board.classify(np.zeros((1, 1, 9, 8), np.uint8))
    # The setting outlives a connection.
    with Board(port, timeout=TIMEOUT) as board:
        assert board.setting == (3, 2)


def _replies(line, decoder, count=None):
    """The next ``count`` replies and no more; where None, as many as come together."""
    found = []
    while len(found) < (count or 1):
        received = line.read(max(1, line.in_waiting))
        assert received, f"silence after {found}"
        found += decoder.feed(received)
    assert count in (None, len(found)), found
    return found


def test_damaged_frames(digits, port):
    """Each kind of damage has its reply, leaves no trace in the accelerator, and needs no reset."""
    image = load_images("digits").images[0]
    expected = run_golden(digits, image[None])
    pixels = image.transpose(1, 2, 0).tobytes()
    good = encode_frame(bytes([Message.CLASSIFY, 77, 0]) + pixels)
    flag = bytes([FLAG])
    flipped = bytearray(good)
    flipped[40] ^= 0x80
    rng = random.Random(3)
    classify = bytes([Message.CLASSIFY, 9, 0])
    damage = {
        "wrong check sum": (bytes(flipped), 0, Error.CORRUPT),
        "half an image": (good[:30] + flag, 0, Error.CORRUPT),
        "an image and a half": (good[:-1] + good[1:30] + flag, 0, Error.OVERSIZED),
        "no check sum": (flag + b"\x01\x02" + flag, 0, Error.SHORT),
        "far too long": (flag + bytes(5000) + flag, 0, Error.OVERSIZED),
        "escape before flag": (flag + b"0123456789\x7d" + flag, 0, Error.CORRUPT),
        "image too short": (encode_frame(classify + pixels[1:]), 9, Error.LENGTH),
        "no image": (encode_frame(classify[:2]), 9, Error.LENGTH),
        "long identify": (encode_frame(bytes([Message.IDENTIFY, 9, 0])), 9, Error.LENGTH),
        "unknown message": (encode_frame(bytes([99, 9])), 9, Error.UNKNOWN),
        "T = 0": (encode_frame(bytes([2, 9]) + encode_setting(0, 0)), 9, Error.RANGE),
    }
    with serial.Serial(port, BAUD, timeout=TIMEOUT) as line:
        decoder = FrameDecoder()
        for round_ in range(4):
            for name, (wire, sequence, error) in rng.sample(list(damage.items()), len(damage)):
                # In front of an image, behind it, and alone.
                line.write(good * (round_ & 1) + wire + good * (round_ >> 1))
                wanted = 1 + (round_ & 1) + (round_ >> 1)
                found = _replies(line, decoder, wanted)
                errors = [body for body in found if body[0] == 0xFF]
                assert errors == [bytes([0xFF, sequence, error])], name
                for body in found:
                    if body[0] != 0xFF:
                        assert body[:4] == bytes([0x83, 77, expected.answers[0], 0]), name
        # Noise without any frame, then silence of the line's own: nothing is stuck.
        line.write(bytes(rng.randrange(256) for _ in range(3000)) + flag)
        line.write(encode_frame(bytes([Message.COUNTERS, 200])))
        refusals = []
        while not refusals or refusals[-1][:2] != bytes([0x84, 200]):
            refusals += _replies(line, decoder)
        *refusals, body = refusals
        # Flags are among the noise, so that parts of it look like frames.
        assert refusals and all(refusal[:2] == b"\xff\x00" for refusal in refusals)
        assert int.from_bytes(body[2:6], "little") == len(damage) * 4
        line.write(encode_frame(bytes([Message.IDENTIFY, 1])))
        identity, _ = decode_identity(_replies(line, decoder, 1)[0][2:])
        assert identity.network_hash == network_hash(digits)
    assert decoder.damaged == 0
    with Board(port, timeout=TIMEOUT) as board:
        _check(board, digits, load_images("digits").images[:30])


@contextmanager
def _noisy(port, rate, seed):
    """A pseudo-terminal in front of ``port`` that spoils bytes of both directions."""
    master, slave = os.openpty()
    tty.setraw(slave)
    spoiled = [0]
    end = threading.Event()
    with serial.Serial(port, BAUD, timeout=0.01) as line:

        def carry(read, write, rng):
            while not end.is_set():
                data = bytearray(read())
                for index in range(len(data)):
                    if rng.random() < rate:
                        data[index] ^= 1 << rng.randrange(8)
                        spoiled[0] += 1
                    elif rng.random() < rate / 2:
                        data[index : index + 1] = b""
                        spoiled[0] += 1
                        break
                write(bytes(data))

        os.set_blocking(master, False)

        def from_host():
            try:
                return os.read(master, 256)
            except BlockingIOError:
                end.wait(0.002)
                return b""

        threads = [
            threading.Thread(target=carry, args=arguments)
            for arguments in (
                (from_host, line.write, random.Random(seed)),
                (lambda: line.read(256), lambda data: os.write(master, data), random.Random(-seed)),
            )
        ]
        for thread in threads:
            thread.start()
        try:
            yield os.ttyname(slave), spoiled
        finally:
            end.set()
            for thread in threads:
                thread.join()
            os.close(slave)
            os.close(master)


def test_driver_repeats_what_is_damaged(digits, port):
    """Bytes spoiled and lost in both directions: every answer is right all the same."""
    images = load_images("digits").images[:40]
    with _noisy(port, 0.001, 5) as (path, spoiled), Board(path, timeout=SHORT_TIMEOUT) as board:
        found = _check(board, digits, images)
        assert spoiled[0] > 0 and found.resent > 0


def _rheobase(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-c", "from rheobase.cli import main; main()", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "100"},
    )


def test_command(tmp_path, digits, port, monkeypatch):
    from PIL import Image

    images = load_images("digits").images
    # Names of classes change nothing of what the board must have.
    names = Provenance(classes=tuple(f"digit {label}" for label in range(10)))
    save_network(replace(digits, provenance=names), tmp_path / "net.safetensors")
    Image.fromarray(images[3, 0]).save(tmp_path / "three.png")
    ran = _rheobase(
        "classify",
        "--port",
        port,
        "net.safetensors",
        "digits",
        "three.png",
        "--count",
        25,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    answers = run_golden(digits, images[:25]).answers
    right = 100 * (answers == load_images("digits").labels[:25]).mean()
    assert f"right answers of the hardware: {right:.2f} %" in ran.stdout
    assert f"three.png: digit {answers[3]}" in ran.stdout
    assert "hardware = golden model: all answers and scores of 26 images" in ran.stdout
    assert "rate coding, T = 6, t0 = 1, 12 MHz" in ran.stdout

    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "small.png")
    other = replace(digits, name="another")
    save_network(other, tmp_path / "other.safetensors")
    refused = _rheobase("classify", "--port", port, "other.safetensors", "digits", cwd=tmp_path)
    _one_line(refused, f"not {network_hash(other)[:16]}... (build and program")
    # Further refusals without the time that a process of its own takes to start.
    monkeypatch.chdir(tmp_path)
    for sources, steps, message in (
        (["small.png"], None, "small.png: 1 x 5 x 5, must be 1 x 8 x 8"),
        (["absent.png"], None, "'absent.png' is no folder and no data set"),
        (["digits"], 9, "T = 9, t0 = 1: must be T of 1 .. 6"),
        (["net.safetensors"], None, "must be at most one network file, and images"),
    ):
        refused = _here("--port", port, *sources, *(() if steps is None else ("-T", steps)))
        assert isinstance(refused.exception, RheobaseError)
        assert message in str(refused.exception)
    ran = _here("--port", port, "net.safetensors", "digits", "--count", 5, "-T", 2)
    assert ran.exit_code == 0 and "T = 2, t0 = 1" in ran.output


def _here(*arguments):
    """The command in this process."""
    return CliRunner().invoke(app, ["classify", "--timeout", str(TIMEOUT), *map(str, arguments)])


def test_nothing_behind_the_port():
    master, slave = os.openpty()
    tty.setraw(slave)
    silent = "no answer to identify in 0.1 s, sent 4 times at 3000000 baud"
    with pytest.raises(RheobaseError, match=silent):
        Board(os.ttyname(slave), timeout=0.1)
    os.close(master)
    os.close(slave)
    with pytest.raises(RheobaseError, match="/dev/absent: cannot be opened"):
        Board("/dev/absent")


def _one_line(ran, message):
    assert ran.returncode == 2, ran.stdout + ran.stderr
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    assert len(lines) == 1 and lines[0].startswith("rheobase: "), ran.stderr
    assert message in lines[0]


def test_board_verilog_is_clean(built):
    verilog = built[0]
    assert lint(verilog.text, TOP) == []
    assert structure(verilog.text, TOP).clean


# Network and board are those of ``test_digits`` but for their size.
@pytest.mark.slow
def test_mnist(mnist_root):
    """`radix` coding, T = 3, summed currents."""
    part = load_images("MNIST", data_root=mnist_root, train=True).sample(1000)
    network = _network("MNIST", part.images, part.labels, Coding.RADIX, 3, None, Readout.CURRENT)
    test = load_images("MNIST", data_root=mnist_root).first(40)
    _, executable = _board(network)
    with running_board(executable, CLOCK / BAUD) as path, Board(path, timeout=TIMEOUT) as board:
        found = _check(board, network, test.images)
    assert len(set(found.answers)) > 5, "answers alike would hide one for another"
