"""Damaged input of all kinds: what is read is right, or refused in one line; within bounds.

    python -m tests.support.fuzzing KIND SEED COUNT

tries COUNT damaged inputs in this process, with bounded memory and a bounded time for each, and
prints what came of it as JSON. From a seed come the same inputs on every machine.
"""

from __future__ import annotations

import json
import resource
import signal
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rheobase.golden.errors import RheobaseError

#: Address space that reading may take beside what the libraries take, and seconds for an input.
MEMORY_BYTES, SECONDS = 3 * 2**30, 60
#: What a field of a file may turn into.
NASTY = (
    0,
    -1,
    1,
    2,
    3,
    255,
    256,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**63,
    -(2**63),
    10**30,
    1.5,
    -0.0,
    float("nan"),
    float("inf"),
    True,
    False,
    None,
    "",
    "x",
    "x" * 100_000,
    "\n",
    "\u202e",
    "-1",
    [],
    [0],
    [1, 1],
    [2, 2, 2, 2],
    [65536, 65536],
    [4000, 4000],
    [10**9] * 4,
    [None] * 50_000,
    {},
    {"kernel": [4000, 4000], "stride": [1, 1], "padding": [3999] * 4},
    {"x" * 9000: 1},
    [[[[1]]]],
)


def damaged_bytes(rng: np.random.Generator, content: bytes) -> bytes:
    """Some bytes changed, a piece left out, doubled or moved, or the end cut off."""
    found = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        start, length = int(rng.integers(len(found) + 1)), int(2 ** rng.integers(8))
        piece = found[start : start + length]
        match rng.integers(6):
            case 0:
                found[start : start + 1] = rng.bytes(1)
            case 1:
                del found[start : start + length]
            case 2:
                found[start:start] = piece
            case 3:
                found[start:start] = rng.bytes(length)
            case 4:
                found[start : start + 8] = struct.pack("<Q", int(2 ** rng.integers(1, 63)))
            case 5:
                del found[max(start, 1) :]
    return bytes(found)


def damaged_value(rng: np.random.Generator, value: Any) -> Any:
    """JSON with one of its parts replaced, removed or doubled."""
    inside = (
        list(value)
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else []
    )
    if not len(inside) or rng.random() < 0.15:
        if type(value) is int and rng.random() < 0.5:
            return value + int(rng.integers(-2, 3))
        return NASTY[rng.integers(len(NASTY))]
    key = inside[rng.integers(len(inside))]
    changed = dict(value) if isinstance(value, dict) else list(value)
    match rng.integers(8):
        case 0:
            del changed[key]
        case 1 if isinstance(changed, list):
            changed.insert(key, changed[key])
        case 1:
            changed["x" * int(rng.integers(1, 5000))] = changed[key]
        case _:
            changed[key] = damaged_value(rng, changed[key])
    return changed


def damaged_safetensors(rng: np.random.Generator, content: bytes, described: str) -> bytes:
    """A safetensors file with damaged bytes, header, or JSON in its metadata ``described``."""
    length = struct.unpack("<Q", content[:8])[0]
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    kind = rng.integers(10)
    if kind < 2:
        return damaged_bytes(rng, content)
    if kind < 4:
        header = damaged_value(rng, header)
    elif kind < 5:
        start = int(rng.integers(len(body)))
        body = body[:start] + rng.bytes(min(8, len(body) - start)) + body[start + 8 :]
    else:
        inner = json.loads(header["__metadata__"][described])
        for _ in range(rng.integers(1, 3)):
            inner = damaged_value(rng, inner)
        header["__metadata__"][described] = json.dumps(inner)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def network_cases(rng: np.random.Generator, folder: Path) -> Callable[[], None]:
    """Network files; one that is taken is a whole network, and simulated right."""
    from rheobase.golden import Coding, PoolRule, Readout, load_network, run_golden
    from rheobase.golden.files.file import network_bytes
    from rheobase.golden.network.provenance import Provenance
    from rheobase.golden.network.validation import image_work
    from rheobase.golden.run.event_counting import count_events

    from . import reference
    from .networks.random_graphs import random_graph
    from .networks.random_networks import (
        random_images,
        with_own_steps,
        with_signed_layers,
    )

    choices = [list(kind) for kind in (Coding, Readout, PoolRule)]
    files = []
    for i in range(8):
        network = random_graph(
            rng,
            coding=choices[0][i % 2],
            readout=choices[1][i // 2 % 2],
            rule=choices[2][i // 4 % 2],
            steps=2,
            layers=1 + i % 3,
            largest_channels=4,
        )
        if i >= 4:
            network = with_signed_layers(rng, network)
        if network.coding == Coding.RADIX and i >= 2:
            network = with_own_steps(rng, network)
        files.append((network_bytes(network), ("topology",)))
        if i % 2:
            events = count_events(network, random_images(rng, network, 2))
            recorded = replace(network, events=events, provenance=Provenance(model="a:b"))
            files.append((network_bytes(recorded), ("topology", "provenance")))
    path = folder / "network"

    def case() -> None:
        content, described = files[rng.integers(len(files))]
        path.write_bytes(damaged_safetensors(rng, content, str(rng.choice(described))))
        network = load_network(path)
        work = network.steps * sum(map(image_work, network.layers, network.shapes))
        if work > 2**26:
            return  # its time is what the file asks for, and allowed
        images = random_images(rng, network, 1)
        found = run_golden(network, images, threads=1)
        if work < 2**12:
            outputs, _ = reference.run(network, images[0], network.steps, network.delay)
            for output, expected in zip(found.outputs, outputs, strict=True):
                assert np.array_equal(output[0], expected)

    return case


def float_cases(rng: np.random.Generator, folder: Path) -> Callable[[], None]:
    """Float SNNs; one that is taken gives finite scores."""
    import torch
    from torch import nn

    from rheobase.converter.conversion import convert
    from rheobase.converter.options import Options
    from rheobase.converter.snn.float_file import load_float_snn, save_float_snn

    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 4)
    ).eval()
    images = rng.integers(0, 256, (20, 1, 8, 8), dtype=np.uint8)
    made = convert(
        model,
        images,
        mean=[0.5],
        std=[0.25],
        options=Options(steps=3, lower=False, iterations=20, method="cltb"),
    )
    path = folder / "snn"
    save_float_snn(made.snn, made.graph, path)
    content = path.read_bytes()

    def case() -> None:
        path.write_bytes(damaged_safetensors(rng, content, "network"))
        snn = load_float_snn(path, model)
        if snn.steps < 100:
            assert bool(snn(torch.rand(2, 1, 8, 8)).isfinite().all())

    return case


class _Line:
    """A serial line on which each request is answered by something damaged."""

    name, baudrate = "line", 1

    def __init__(self, rng: np.random.Generator, replies: list[bytes]):
        self._rng, self._replies, self._waiting = rng, replies, b""

    @property
    def in_waiting(self) -> int:
        return len(self._waiting)

    def close(self) -> None:
        pass

    def write(self, frame: bytes) -> None:
        from rheobase.boards.protocol import REPLY, FrameDecoder, encode_frame

        (request,) = FrameDecoder().feed(frame)
        body = self._replies[self._rng.integers(len(self._replies))]
        if request[0] - 1 < len(self._replies) and self._rng.random() < 0.7:
            body = self._replies[request[0] - 1]
        if self._rng.random() < 0.1:
            body = damaged_bytes(self._rng, body)
        kind = 0xFF if self._rng.random() < 0.1 else request[0] | REPLY
        reply = encode_frame(bytes([kind, request[1]]) + body)
        self._waiting += damaged_bytes(self._rng, reply) if self._rng.random() < 0.1 else reply

    def read(self, size: int) -> bytes:
        taken, self._waiting = self._waiting[:size], self._waiting[size:]
        return taken


def frame_cases(rng: np.random.Generator, folder: Path) -> Callable[[], None]:
    """Replies of the host link; an identity that is taken has sizes that exist."""
    from rheobase.boards.host.driver import Board
    from rheobase.boards.protocol import Identity, encode_setting

    identity = Identity("ab" * 32, (1, 4, 4), 3, 4, 0, False, True, 2, True, 2, 10**6)
    replies = [
        identity.encode() + encode_setting(4, 0),
        encode_setting(4, 0),
        bytes(6) + bytes(6),
        bytes(20),
        b"",
        b"\x01",
        b"\x07",
    ]

    def case() -> None:
        board = Board(_Line(rng, replies), timeout=0.002)
        shape = board.identity.input_shape
        assert min(shape) > 0
        if np.prod(shape) < 10**5:
            found = board.classify(np.zeros((2, *shape), np.uint8))
            assert found.scores.shape == (2, board.identity.classes)

    return case


def picture_cases(rng: np.random.Generator, folder: Path) -> Callable[[], None]:
    """Pictures of all formats; one that is taken has the pixels that its header claims."""
    from PIL import Image

    from rheobase.converter.data.data import read_image

    pixels = rng.integers(0, 256, (9, 7, 4), dtype=np.uint8)
    colour = Image.fromarray(pixels[..., :3].copy())
    wide = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    pictures = [
        (colour, "png"),
        (Image.fromarray(pixels), "png"),
        (colour.convert("P"), "png"),
        (wide, "png"),
        (wide, "tif"),
        (colour, "jpg"),
        (colour, "tif"),
        (colour, "gif"),
        (colour, "bmp"),
        (colour, "webp"),
        (colour, "ppm"),
    ]
    files = []
    for picture, suffix in pictures:
        path = folder / f"picture.{suffix}"
        picture.save(path)
        files.append((path, path.read_bytes()))

    def case() -> None:
        path, content = files[rng.integers(len(files))]
        found = damaged_chunk(rng, content) if path.suffix == ".png" else None
        path.write_bytes(found or damaged_bytes(rng, content))
        image = read_image(path, (3, 9, 7))
        assert image.shape == (3, 9, 7) and image.dtype == np.uint8

    return case


def damaged_chunk(rng: np.random.Generator, content: bytes) -> bytes | None:
    """A PNG with a chunk damaged, its check sum right; None half the time."""
    if rng.random() < 0.5:
        return None
    chunks, place = [], 8
    while place < len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    index = int(rng.integers(len(chunks)))
    name, body = chunks[index]
    if name == b"IHDR" and rng.random() < 0.5:
        size = rng.choice([0, 1, 9, 2**16, 2**24, 2**31 - 1], 2).astype(">u4").tobytes()
        body = size + body[8:]
    else:
        body = damaged_bytes(rng, body) if body else rng.bytes(9)
    chunks[index] = (name if rng.random() < 0.8 else rng.bytes(4), body)
    text = b"".join(
        len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")
        for name, body in chunks
    )
    return content[:8] + text


def checkpoint_cases(rng: np.random.Generator, folder: Path) -> Callable[[], None]:
    """Weights in both formats of torch and as safetensors; those that are taken are finite."""
    import io
    import warnings

    import torch
    from safetensors.torch import save

    from rheobase.converter.data.model import load_model
    from rheobase.demo_model import cnn

    torch.manual_seed(0)
    weights = cnn().state_dict()
    files = [(folder / "net.safetensors", save(weights))]
    for name, content in (("net", weights), ("nested", {"state_dict": weights, "epoch": 3})):
        for zipped in (True, False):
            held = io.BytesIO()
            torch.save(content, held, _use_new_zipfile_serialization=zipped)
            files.append((folder / f"{name}{zipped}.pth", held.getvalue()))

    def case() -> None:
        path, content = files[rng.integers(len(files))]
        # The names and sizes of a file stand at its ends, its numbers in between.
        edge = int(rng.integers(1, 1500))
        if rng.random() < 0.4:
            content = damaged_bytes(rng, content[:edge]) + content[edge:]
        elif rng.random() < 0.6:
            content = content[:-edge] + damaged_bytes(rng, content[-edge:])
        else:
            content = damaged_bytes(rng, content)
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = load_model("rheobase.demo_model:cnn", path)
        assert all(bool(value.isfinite().all()) for value in model.state_dict().values())

    return case


KINDS = {
    "network": network_cases,
    "float": float_cases,
    "frame": frame_cases,
    "picture": picture_cases,
    "checkpoint": checkpoint_cases,
}


def fuzz(kind: str, seed: int, count: int) -> dict[str, Any]:
    """Try ``count`` damaged inputs; what is neither right nor one line is under ``faults``."""

    def too_slow(*_: object) -> None:
        raise TimeoutError

    rng = np.random.default_rng(seed)
    outcome: Counter[str] = Counter()
    faults, longest, slowest = [], "", 0.0
    signal.signal(signal.SIGALRM, too_slow)
    with tempfile.TemporaryDirectory() as folder:
        case = KINDS[kind](rng, Path(folder))
        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY_BYTES,) * 2)
        for index in range(count):
            start = time.perf_counter()
            signal.alarm(SECONDS)
            try:
                case()
                outcome["taken"] += 1
            except RheobaseError as error:
                outcome["refused"] += 1
                line = str(error).replace(str(folder), "")
                longest = max(longest, line, key=len)
                if "\n" in line:
                    faults.append([index, "several lines", line])
            except BaseException as error:
                outcome["faults"] += 1
                frame = error.__traceback__
                while frame is not None and frame.tb_next is not None:
                    frame = frame.tb_next
                code = frame.tb_frame.f_code
                where = f"{code.co_filename}:{frame.tb_lineno}"
                faults.append([index, type(error).__name__, str(error)[:200], where])
            finally:
                signal.alarm(0)
            slowest = max(slowest, time.perf_counter() - start)
    return {
        **outcome,
        "faults": faults,
        "longest": longest,
        "slowest": round(slowest, 2),
        "kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


if __name__ == "__main__":
    json.dump(fuzz(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])), sys.stdout)
