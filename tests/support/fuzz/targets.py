"""What is fuzzed: for each parser valid inputs to begin with, how to damage them, how to read them.

A target reads any bytes and raises ``RheobaseError`` in one line, or nothing.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rheobase.golden import Coding, PoolRule, Readout, load_network
from rheobase.golden.files.file import network_bytes

from ..fuzzing import damaged_bytes, damaged_chunk, damaged_safetensors
from ..networks.random_graphs import random_graph
from ..networks.residual_networks import residual_network


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes:
        seeds: inputs that it takes.
        read: reads one, and whatever else.
        damage: changes one in a way of its format's own.
    """

    seeds: tuple[bytes, ...]
    read: Callable[[bytes], Any]
    damage: Callable[[np.random.Generator, bytes], bytes] = damaged_bytes


def _from_file(path: Path, load: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    def read(content: bytes) -> Any:
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load(path)

    return read


def _or_bytes(
    damage: Callable[[np.random.Generator, bytes], bytes],
) -> Callable[[np.random.Generator, bytes], bytes]:
    """``damage``, and bytes alone where the input is too damaged for it already."""

    def damaged(rng: np.random.Generator, content: bytes) -> bytes:
        try:
            return damage(rng, content)
        except (ValueError, LookupError, TypeError, AttributeError, struct.error, RecursionError):
            return damaged_bytes(rng, content)

    return damaged


def network_target(folder: Path) -> Target:
    """Network files."""
    rng = np.random.default_rng(0)
    networks = (
        random_graph(rng, coding=coding, readout=readout, rule=PoolRule.STEP, steps=2, layers=2)
        for coding in Coding
        for readout in Readout
    )
    return Target(
        tuple(network_bytes(network) for network in networks),
        _from_file(folder / "network", load_network),
        _or_bytes(lambda rng, content: damaged_safetensors(rng, content, "topology")),
    )


def float_target(folder: Path) -> Target:
    """Files of float SNNs."""
    import torch
    from torch import nn

    from rheobase.converter.conversion import convert
    from rheobase.converter.options import Options
    from rheobase.converter.snn.float_file import load_float_snn, save_float_snn

    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    ).eval()
    images = np.random.default_rng(0).integers(0, 256, (12, 1, 6, 6), dtype=np.uint8)
    options = Options(steps=3, lower=False, iterations=5, method="cltb")
    made = convert(model, images, mean=[0.5], std=[0.25], options=options)
    path = folder / "snn"
    save_float_snn(made.snn, made.graph, path)
    return Target(
        (path.read_bytes(),),
        _from_file(path, lambda path: load_float_snn(path, model)),
        _or_bytes(lambda rng, content: damaged_safetensors(rng, content, "network")),
    )


def nir_target(folder: Path) -> Target:
    """Graphs of NIR: HDF5, and what is in it."""
    import nir

    from rheobase.converter.interop.nir.nir_export import export_nir
    from rheobase.converter.interop.nir.nir_import import import_nir

    ours, other = folder / "ours.nir", folder / "other.nir"
    network = residual_network(Coding.RATE, steps=2, stages=((2, 1),), size=4, bits=4)
    export_nir(network, ours)
    weight = np.random.default_rng(0).normal(size=(3, 4))
    nir.write(other, nir.NIRGraph.from_list(nir.Linear(weight), nir.IF(np.ones(3), np.ones(3))))
    return Target(
        (ours.read_bytes(), other.read_bytes()), _from_file(folder / "graph.nir", import_nir)
    )


def onnx_target(folder: Path) -> Target:
    """Models of ONNX: protobuf, and what is in it."""
    from onnx import TensorProto, helper, numpy_helper

    from rheobase.converter.data.model import load_model

    rng = np.random.default_rng(0)
    kernels = rng.normal(size=(2, 1, 3, 3)).astype(np.float32)
    weight = rng.normal(size=(3, 8)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "w"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(kernels, "k"), numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return Target(
        (model.SerializeToString(),),
        _from_file(folder / "net.onnx", lambda path: load_model(str(path))),
    )


def frame_target(_folder: Path) -> Target:
    """Bytes of the serial line, and the identities and settings that they hold."""
    from rheobase.boards.protocol import (
        FrameDecoder,
        Identity,
        decode_identity,
        encode_frame,
        encode_setting,
    )

    identity = Identity("ab" * 32, (1, 4, 4), 3, 4, 0, False, True, 2, True, 2, 10**6)
    setting = encode_setting(4, 0)
    frames = [encode_frame(bytes([0x81, 1]) + identity.encode() + setting), encode_frame(b"\x82\2")]

    def read(content: bytes) -> None:
        # Whole and byte by byte is the same.
        whole, slow = FrameDecoder(), FrameDecoder()
        bodies = whole.feed(content)
        assert bodies == [body for byte in content for body in slow.feed(bytes([byte]))]
        assert whole.damaged == slow.damaged
        for body in bodies:
            assert FrameDecoder().feed(encode_frame(body)) == [body]
            with suppress(ValueError):  # what the driver expects of a reply that is none
                decode_identity(body[2:])

    return Target((frames[0], frames[1], b"".join(frames)), read)


def picture_target(folder: Path) -> Target:
    """Pictures of every format."""
    from PIL import Image

    from rheobase.converter.data.data import read_image

    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    seeds = []
    for suffix in ("png", "jpg", "tif", "gif", "bmp", "webp", "ppm"):
        path = folder / f"picture.{suffix}"
        Image.fromarray(pixels).save(path)
        seeds.append(path.read_bytes())

    def damage(rng: np.random.Generator, content: bytes) -> bytes:
        found = damaged_chunk(rng, content) if content.startswith(b"\x89PNG") else None
        return found or damaged_bytes(rng, content)

    # What a picture is stands in it, not in its name.
    read = _from_file(folder / "picture.png", lambda path: read_image(path, (3, 9, 7)))
    return Target(tuple(seeds), read, _or_bytes(damage))


TARGETS: dict[str, Callable[[Path], Target]] = {
    "network": network_target,
    "float": float_target,
    "nir": nir_target,
    "onnx": onnx_target,
    "frame": frame_target,
    "picture": picture_target,
}
