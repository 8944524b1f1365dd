"""Connections one after the other and at once: nobody gets the answer of somebody else's image."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import serial

from rheobase.boards.builds.board_top import board_verilog
from rheobase.boards.host import driver, serial_client
from rheobase.boards.host.driver import Board
from rheobase.boards.link.interface import accelerator_interface
from rheobase.boards.protocol import (
    COUNTER_BYTES,
    REPLY,
    WANT_SCORES,
    FrameDecoder,
    Message,
    encode_frame,
    encode_setting,
)
from rheobase.boards.simulation.board import build_board, running_board
from rheobase.golden import (
    IMAGE,
    Coding,
    Connection,
    Layer,
    Network,
    Readout,
    RheobaseError,
    run_golden,
)
from rheobase.hw.design.folding import LayerFolding

CLOCK, BAUD = 12_000_000, 3_000_000
TIMEOUT = 10
#: What a client does until it is killed; it says when answers have begun to come.
CLIENT = """
import sys
import numpy as np
from rheobase.boards.host.driver import Board
with Board(sys.argv[1], timeout=10) as board:
    images = np.load(sys.argv[2])
    board.classify(np.concatenate([images] * 1000), progress=lambda done: print(done, flush=True))
"""


@pytest.fixture(scope="module")
def network():
    """Two layers at T = 1000: an image takes longer than many requests."""
    rng = np.random.default_rng(1)

    def kernel(*shape):
        return rng.integers(-128, 128, shape).astype(np.int8)

    def each(count, value):
        return np.full(count, value, np.int32)

    first = Connection(IMAGE, kernel(3, 1, 3, 3))
    layers = (
        Layer("a", (first,), each(3, 10), each(3, 9000), each(3, 4500)),
        Layer("b", (Connection(0, kernel(5, 3, 4, 3)),), each(5, 0), None, None),
    )
    zero = np.zeros(1, np.uint8)
    return Network((1, 6, 5), zero, layers, Coding.RATE, 1000, 0, Readout.CURRENT, (1,))


@pytest.fixture(scope="module")
def port(network):
    folding = (LayerFolding(1, 1),) * 2
    verilog = board_verilog(network, folding, clock=CLOCK, baud=BAUD)
    with running_board(build_board(verilog), CLOCK / BAUD) as path:
        yield path


@pytest.fixture(scope="module")
def images():
    """All with scores of their own, so that an answer tells whose it is."""
    return np.random.default_rng(2).integers(0, 256, (8, 1, 6, 5)).astype(np.uint8)


@pytest.fixture(scope="module")
def scores(network, images):
    found = run_golden(network, images).scores
    assert len(np.unique(found, axis=0)) == len(images)
    return found


@pytest.fixture
def from_one(monkeypatch):
    """Every connection numbers its requests from 1, as the one before."""
    monkeypatch.setattr(serial_client.secrets, "randbelow", lambda limit: 0)


@pytest.mark.slow
def test_images_left_behind(port, images, scores, from_one):
    """As many images as the board holds, with the numbers that the next client uses."""
    for first in (1, 8):
        with serial.Serial(port, BAUD) as line:
            for number in range(first, first + 2):
                pixels = images[number % 2].transpose(1, 2, 0).tobytes()
                line.write(encode_frame(bytes([Message.CLASSIFY, number, WANT_SCORES]) + pixels))
            line.flush()
        with Board(port, timeout=TIMEOUT) as board:
            assert np.array_equal(board.classify(images[2:5]).scores, scores[2:5])


def test_left_in_the_middle_of_a_frame(port, images, scores, from_one):
    wire = encode_frame(bytes([Message.CLASSIFY, 9, 0]) + images[0].tobytes())
    for length in (1, 9, len(wire) - 1):
        with serial.Serial(port, BAUD) as line:
            line.write(wire * 2 + wire[:length])
            line.flush()
        with Board(port, timeout=TIMEOUT) as board:
            assert np.array_equal(board.classify(images[2:5]).scores, scores[2:5])


def test_client_is_killed(port, images, scores, tmp_path):
    np.save(tmp_path / "images.npy", images[:2])
    for wait in (0, 0.013, 0.05):
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT, port, str(tmp_path / "images.npy")],
            stdout=subprocess.PIPE,
        )
        assert client.stdout.readline().strip() in (b"1", b"2")
        time.sleep(wait)
        client.send_signal(signal.SIGKILL)
        client.wait()
        client.stdout.close()
        with Board(port, timeout=TIMEOUT) as board:
            assert np.array_equal(board.classify(images[2:5]).scores, scores[2:5])


def test_two_at_once(port, images, scores):
    def intrude(_done):
        with pytest.raises(RheobaseError, match=r"cannot be opened \(in use\)"):
            Board(port, timeout=TIMEOUT)

    with Board(port, timeout=TIMEOUT) as board:
        found = board.classify(images, progress=intrude)
        assert np.array_equal(found.scores, scores)
        assert found.resent == 0


class _Port:
    """A board that has ``stale`` replies to send, and works on other images for ever where busy."""

    name, in_waiting, baudrate = "port", 0, BAUD

    def __init__(self, identity, stale=0, busy=False):
        self.constants = identity.encode() + encode_setting(identity.steps, identity.delay)
        self.decoder = FrameDecoder()
        self.waiting = b""
        self.stale, self.works, self.busy = stale, busy, 0

    def close(self):
        pass

    def write(self, wire):
        for body in self.decoder.feed(wire):
            payload = self.constants
            if body[0] == Message.COUNTERS:
                self.busy += self.works
                counters = zip((0, 0, self.busy, self.busy), COUNTER_BYTES, strict=True)
                payload = b"".join(value.to_bytes(size, "little") for value, size in counters)
            self.waiting += encode_frame(bytes([body[0] | REPLY, body[1]]) + payload)
            if body[0] == Message.COUNTERS and self.stale:
                # In turn, where an image's reply and another are ready (docs/host-link.md).
                self.stale -= 1
                self.waiting += encode_frame(bytes([Message.CLASSIFY | REPLY, body[1] + 1]))

    def read(self, _size):
        read, self.waiting = self.waiting, b""
        return read


def test_replies_that_are_ready(network):
    """No more than the window are; all of them come before the connection begins."""
    identity = accelerator_interface(network, clock=CLOCK).identity
    port = _Port(identity, stale=identity.window)
    Board(port, timeout=TIMEOUT)
    assert port.stale == 0 and port.waiting == b""


@pytest.mark.slow
def test_board_that_never_rests(network, monkeypatch):
    monkeypatch.setattr(driver, "_SETTLING", 0.1)
    identity = accelerator_interface(network, clock=CLOCK).identity
    with pytest.raises(RheobaseError, match="port: the board is still at work for an earlier"):
        Board(_Port(identity, busy=True), timeout=0.1)
