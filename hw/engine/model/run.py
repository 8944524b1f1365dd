"""Runs a program by the words in an engine's memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..design import EngineDesign
from ..words import stream_weights, stream_words
from .decoding import DecodedPass, decoded_passes, pass_turns
from .neurons import Parameters, pooled, trains, write_map
from .row_ring import RowBuffer
from .windows import PassWindows


@dataclass(frozen=True, eq=False)
class PassRun:
    """What a pass did.

    Attributes:
        events: int64, (lanes,), of each group of channels.
        groups: of channels.
        words: of the row buffer that windows saw.
        words_read, words_written: of the memory; of maps.
        weight_words: of the memory.
        turns: of neurons.
    """

    events: np.ndarray
    groups: int
    words: int
    words_read: int
    words_written: int
    weight_words: int
    turns: int

    def cycles(self, word_cycles: float) -> float:
        """The least that it takes where the memory moves a word in ``word_cycles``."""
        moved = self.words_read + self.words_written + self.weight_words
        adders = self.groups * int(self.events.max())
        return max(adders, self.words, self.turns, moved * word_cycles)


def run_program(
    design: EngineDesign, memory: np.ndarray, program_base: int, weight_base: int
) -> tuple[PassRun, ...]:
    """Run the program at word ``program_base`` once: ``memory`` is changed in place.

    Args:
        memory: uint32, of the engine, the image in it.
        weight_base: memory word of the stream of weights.

    Raises:
        RheobaseError: the program does not end within the memory.
    """
    ring = np.zeros((design.weight_words, design.lanes, design.neurons), np.int64)
    ring_base, runs = 0, []
    for decoded in decoded_passes(design, memory, program_base):
        head = decoded.head
        count, stride = head["weight_words"], head["weight_stride"]
        at = (ring_base + np.arange(count)) % design.weight_words
        stream = memory[weight_base:]
        ring[at] = stream_weights(design, stream, stride, pass_turns(head)).reshape(
            count, *ring.shape[1:]
        )
        channels = head["turns"] * design.firing
        runs.append(_run_pass(design, memory, decoded, ring[..., :channels], ring_base))
        words = runs[-1].weight_words
        ring_base = (ring_base + count) % design.weight_words
        weight_base += words
    return tuple(runs)


def _run_pass(
    design: EngineDesign, memory: np.ndarray, decoded: DecodedPass, ring: np.ndarray, base: int
) -> PassRun:
    head = decoded.head
    windows = PassWindows(design, decoded, ring, base)
    buffer = RowBuffer(design, decoded.tables["sources"])
    currents = []
    for row in range(head["rows"]):
        buffer.read_for(memory, row)
        currents.append(windows.currents(buffer, row))
    fired = Parameters(design, decoded).fired(np.stack(currents, axis=1))
    written = [pooled(head, numbers) for numbers in fired]
    if head["trains"]:
        written = trains(decoded.tables["chunks"], head, np.stack(written))
    return PassRun(
        events=windows.events,
        groups=head["groups"],
        words=windows.words,
        words_read=buffer.words_read,
        words_written=sum(
            write_map(head, memory, numbers, head["out_base"] + digit * head["out_digit"])
            for digit, numbers in enumerate(written)
        ),
        weight_words=stream_words(design, head["weight_stride"], pass_turns(head)),
        turns=head["rows"] * head["columns"] * head["groups"] * head["turns"] * len(fired),
    )
