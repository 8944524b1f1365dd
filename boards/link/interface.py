"""What the host link has to know of an accelerator: its ports and what it computes."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import Shape
from amaranth.lib import data

from ...golden.basics.arithmetic import ceil_div
from ...golden.errors import RheobaseError
from ...golden.files.file import network_hash
from ...golden.network.network import PIXEL_BITS, Coding, Network, Readout
from ...hw.accelerator.accelerator import result_layout
from ...hw.basics.shapes import count_shape, index_shape
from ...hw.memories.memory_shape import MemoryShape
from ..protocol import CRC_BYTES, Identity
from .cycle_counters import COUNTER_MEMORY, MOST_IMAGES
from .packet_queue import HEADER_WORDS, packet_memory
from .result_collector import score_memory

#: Images that the link has room for where the network's size allows it.
LEAST_WINDOW = 2


@dataclass(frozen=True)
class AcceleratorInterface:
    """Ports of module ``accelerator`` and what an identify reply says of it.

    Attributes:
        identity: see ``protocol.Identity``.
        pixels: shape of a pixel, all channels.
        steps, delay: shapes of T and t0.
        results: layout of a result beat: ``score``, ``prediction``, ``last``.
        buffer_bytes: words of a byte and a mark for frames that wait, a power of two.
    """

    identity: Identity
    pixels: data.ArrayLayout
    steps: Shape
    delay: Shape
    results: data.StructLayout
    buffer_bytes: int

    @property
    def memories(self) -> tuple[MemoryShape, ...]:
        """The host link's memories in block RAM."""
        scores = score_memory(self.score, self.identity.classes)
        return packet_memory(self.buffer_bytes), COUNTER_MEMORY, scores

    @property
    def score(self) -> Shape:
        return Shape.cast(self.results["score"].shape)

    @property
    def pixel_bytes(self) -> int:
        return self.pixels.length


def accelerator_interface(network: Network, *, clock: int) -> AcceleratorInterface:
    """Interface of ``network``'s accelerator at ``clock`` Hz."""
    if len(network.outputs) > 1 or network.output_shapes[0][1:] != (1, 1):
        maps = ", ".join(f"{rows} x {columns}" for _, rows, columns in network.output_shapes)
        raise RheobaseError(
            f"board: outputs with maps of {maps}, must be one output with a map of 1 x 1"
        )
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
        score_bytes=ceil_div(score.width, 8),
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
    """Words of the buffer, and images that it surely holds, with their headers and check sums."""
    frame = HEADER_WORDS + identity.largest_body + CRC_BYTES
    size = 1 << (LEAST_WINDOW * frame - 1).bit_length()
    return size, min(size // frame, MOST_IMAGES)
