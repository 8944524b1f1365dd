"""A network as an engine runs it: the words that go into its memory, and where its maps lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...golden.basics.arithmetic import ceil_div
from ...golden.errors import RheobaseError
from ...golden.network.network import PIXEL_BITS
from .design import WORD_BITS, WORD_DIGITS, EngineDesign
from .program import NUMBER_BITS, Kind
from .trains import TrainFormat


@dataclass(frozen=True)
class LayerMap:
    """Where a layer's map lies.

    Attributes:
        name: the layer's.
        kind, steps, signed: of its numbers; of trains, of what a digit says of a step.
        channels, rows, columns: of the map.
        base: memory word of the first channels of the first pixel.
        row_words, pixel_words: memory words from one row (pixel) to the next.
        digit_words: of trains, from one digit to the next.
        train_steps: T of spike trains; 0 where the map has numbers or currents.
        delay: t0; steps up to it do not count.
        order: which channel of the network's map lies at each place; none where it is that one.
    """

    name: str
    kind: Kind
    steps: int
    signed: bool
    channels: int
    rows: int
    columns: int
    base: int
    row_words: int
    pixel_words: int
    digit_words: int = 0
    train_steps: int = 0
    delay: int = 0
    order: tuple[int, ...] = ()

    @property
    def train(self) -> TrainFormat | None:
        """Of trains; None where the map has numbers or currents."""
        return TrainFormat(self.train_steps, self.signed) if self.train_steps else None

    @property
    def channel_words(self) -> int:
        """Memory words of the channels of a pixel."""
        bits = ceil_div(self.channels, WORD_DIGITS) * WORD_DIGITS * NUMBER_BITS[self.kind]
        return bits // WORD_BITS

    @property
    def words(self) -> int:
        """Memory words from the first number to the last one, what lies between them included."""
        last_row = (self.rows - 1) * self.row_words
        if self.train is not None:
            last_row += (self.train.digits - 1) * self.digit_words
        return last_row + (self.columns - 1) * self.pixel_words + self.channel_words


@dataclass(frozen=True)
class ImagePlace:
    """How the host writes the image for some of the layers that see it.

    It has ``rows`` rows of ``supers`` super pixels, ``super_words`` memory words each: the bytes of
    their pixels, channel by channel. In row r, pixel p of super pixel s is the image's in row
    r * row_step + pixel_rows[p] and column s * super_step + pixel_columns[p]; where the image has
    none it is the zero point. So it is where r * row_step + marked_rows[p] is none of the rows 0 to
    ``bottom`` - 1, or s * super_step + marked_columns[p] none of the columns up to ``right``.
    """

    first_channel: int
    channels: int
    bottom: int
    right: int
    rows: int
    supers: int
    row_step: int
    super_step: int
    pixel_rows: tuple[int, ...]
    pixel_columns: tuple[int, ...]
    marked_rows: tuple[int, ...]
    marked_columns: tuple[int, ...]
    base: int

    @property
    def super_words(self) -> int:
        return ceil_div(len(self.pixel_rows) * self.channels * PIXEL_BITS, WORD_BITS)

    @property
    def words(self) -> int:
        return self.rows * self.supers * self.super_words


@dataclass(frozen=True, eq=False)
class Program:
    """A network, compiled.

    Attributes:
        design: of the engine that runs it.
        name, network_hash: of the network.
        input_shape: (channels, rows, columns) of the image.
        zero_point: uint8, per channel of the image.
        outputs: numbers in ``maps`` of what is read out.
        weights: uint32, the words of all weights; they lie from word 0 on.
        passes: uint32, the words of heads and tables; they lie from ``program_base`` on.
        program_base: memory word.
        images: the image, as its views need it; one behind another.
        maps: of each layer.
    """

    design: EngineDesign
    name: str
    network_hash: str
    input_shape: tuple[int, int, int]
    zero_point: np.ndarray
    outputs: tuple[int, ...]
    weights: np.ndarray
    passes: np.ndarray
    program_base: int
    images: tuple[ImagePlace, ...]
    maps: tuple[LayerMap, ...]

    @property
    def weights_base(self) -> int:
        """Memory word where the weights begin."""
        return 0

    @property
    def memory_words(self) -> int:
        """Words that are used, from word 0 on."""
        return self.program_base + len(self.passes)

    @property
    def image_base(self) -> int:
        """Memory word where what ``image_words`` gives begins."""
        return self.images[0].base

    def memory(self) -> np.ndarray:
        """What the memory holds before the first image: uint32, (memory_words,)."""
        words = np.zeros(self.memory_words, np.uint32)
        words[self.weights_base : self.weights_base + len(self.weights)] = self.weights
        words[self.program_base :] = self.passes
        return words


def image_words(program: Program, image: np.ndarray) -> np.ndarray:
    """What a host writes from ``program.image_base`` on: uint32.

    Args:
        image: uint8, (channels, rows, columns).

    Raises:
        RheobaseError: it has another shape or type.
    """
    if image.dtype != np.uint8 or image.shape != program.input_shape:
        raise RheobaseError(
            f"image: {image.dtype} {image.shape}, must be uint8 {program.input_shape}"
        )
    return np.concatenate(
        [_view_words(place, image, program.zero_point) for place in program.images]
    )


def _view_words(place: ImagePlace, image: np.ndarray, zero_point: np.ndarray) -> np.ndarray:
    channels = slice(place.first_channel, place.first_channel + place.channels)
    row = np.arange(place.rows)[:, None, None] * place.row_step
    column = np.arange(place.supers)[:, None] * place.super_step
    rows, columns = row + place.pixel_rows, column + place.pixel_columns
    inside = _within(rows, image.shape[1]) & _within(columns, image.shape[2])
    inside &= _within(row + place.marked_rows, place.bottom)
    inside &= _within(column + place.marked_columns, place.right)
    rows, columns = np.clip(rows, 0, image.shape[1] - 1), np.clip(columns, 0, image.shape[2] - 1)
    pixels = image[channels].transpose(1, 2, 0)[rows, columns]
    pixels = np.where(inside[..., None], pixels, zero_point[channels])
    supers = pixels.reshape(place.rows * place.supers, -1)
    padding = place.super_words * (WORD_BITS // 8) - supers.shape[1]
    supers = np.pad(supers, ((0, 0), (0, padding)))
    return supers.view("<u4").reshape(-1).astype(np.uint32)


def _within(numbers: np.ndarray, end: int) -> np.ndarray:
    return (numbers >= 0) & (numbers < end)


def map_numbers(program: Program, memory: np.ndarray, layer: int) -> np.ndarray:
    """What layer ``layer`` has left in memory: int64, (channels, rows, columns).

    Numbers that trains spell, or currents where a ``current`` readout reads the layer; of trains of
    ``rate`` their spikes in t0 < t <= T, less those that are negative.
    """
    place = program.maps[layer]
    if place.train is not None:
        return map_trains(program, memory, layer)[place.delay :].sum(axis=0, dtype=np.int64)
    numbers = _map_fields(place, memory, place.base)
    if place.signed:
        width = WORD_BITS if place.kind == Kind.CURRENTS else place.steps
        numbers = numbers - ((numbers >> (width - 1)) << width)
    return numbers


def map_trains(program: Program, memory: np.ndarray, layer: int) -> np.ndarray:
    """Spikes of layer ``layer``, in ``rate``: int8, (T, channels, rows, columns).

    Raises:
        ValueError: it has no trains.
    """
    place = program.maps[layer]
    train = place.train
    if train is None:
        raise ValueError(f"layer {place.name!r} has no trains")
    digits = [
        _map_fields(place, memory, place.base + digit * place.digit_words)
        for digit in range(train.digits)
    ]
    steps = []
    for step in range(train.steps):
        bits = digits[train.digit(step)] >> train.lowest_bit(step)
        spikes = bits & 1
        steps.append(spikes - (bits >> 1 & 1) if train.signed else spikes)
    return np.stack(steps).astype(np.int8)


def _map_fields(place: LayerMap, memory: np.ndarray, base: int) -> np.ndarray:
    """What lies from word ``base`` on as the map does: int64, (channels, rows, columns).

    Channels are in the network's order.
    """
    bits = NUMBER_BITS[place.kind]
    at = (
        base
        + np.arange(place.rows)[:, None, None] * place.row_words
        + np.arange(place.columns)[:, None] * place.pixel_words
        + np.arange(place.channel_words)
    )
    fields = memory[at][..., None].astype(np.int64) >> (np.arange(WORD_BITS // bits) * bits)
    numbers = (fields & ((1 << bits) - 1)).reshape(place.rows, place.columns, -1)
    in_memory = numbers[..., : place.channels].transpose(2, 0, 1)
    if not place.order:
        return in_memory
    found = np.empty_like(in_memory)
    found[list(place.order)] = in_memory
    return found
