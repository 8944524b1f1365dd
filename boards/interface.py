"""What the host link has to know of an accelerator: its ports and what it computes."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import Shape
from amaranth.lib import data

from ..golden.file import network_hash
from ..golden.network import PIXEL_BITS, Coding, Network, Readout
from ..hw.accelerator import result_layout
from ..hw.shapes import count_shape, index_shape
from .protocol import CRC_BYTES, Identity

#: Images that the link has room for where the network's size allows it.
LEAST_WINDOW = 2
#: A sequence number is a byte, so no more images can be told apart.
LARGEST_WINDOW = 255


@dataclass(frozen=True)
class AcceleratorInterface:
    """Ports of module ``accelerator`` and what an identify reply says of it.

    Attributes:
        identity: see ``protocol.Identity``.
        pixels: shape of a pixel, all channels.
        steps, delay: shapes of T and t0.
        results: layout of a result beat: ``score``, ``prediction``, ``last``.
        buffer_bytes: bytes for frames that wait, a power of two.
    """

    identity: Identity
    pixels: data.ArrayLayout
    steps: Shape
    delay: Shape
    results: data.StructLayout
    buffer_bytes: int

    @property
    def score(self) -> Shape:
        return Shape.cast(self.results["score"].shape)

    @property
    def pixel_bytes(self) -> int:
        return self.pixels.length


def accelerator_interface(network: Network, *, clock: int) -> AcceleratorInterface:
    """Interface of ``network``'s accelerator at ``clock`` Hz."""
    results = result_layout(network)
    score = Shape.cast(results["score"].shape)
    identity = Identity(
        network_hash=network_hash(network),
        input_shape=network.input_shape,
        classes=network.classes,
        steps=network.steps,
        delay=network.delay,
        radix=network.coding == Coding.RADIX,
        current=network.readout == Readout.CURRENT,
        score_bytes=-(-score.width // 8),
        score_signed=score.signed,
        window=LEAST_WINDOW,
        clock=clock,
    )
    buffer_bytes, window = buffer_size(identity)
    return AcceleratorInterface(
        identity=Identity(**{**vars(identity), "window": window}),
        pixels=data.ArrayLayout(PIXEL_BITS, network.input_shape[0]),
        steps=count_shape(network.steps),
        delay=index_shape(network.steps),
        results=results,
        buffer_bytes=buffer_bytes,
    )


def buffer_size(identity: Identity) -> tuple[int, int]:
    """Bytes of the buffer, and images that it surely holds, check sums included."""
    frame = identity.largest_body + CRC_BYTES
    size = 1 << (LEAST_WINDOW * frame - 1).bit_length()
    return size, min(size // frame, LARGEST_WINDOW)
